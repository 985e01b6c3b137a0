package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/notifyctl/notifyctl/pipeline"
	"github.com/notifyctl/notifyctl/pipeline/engine/blob"
	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

// Check says what is wrong with the URL of a bucket. It asks nobody.
func (t *Templates) Check() error {
	if !blob.IsURL(t.At) {
		return nil
	}
	if err := blob.CheckURL(t.At); err != nil {
		return fmt.Errorf("--templates: %w", err)
	}
	return nil
}

// openTemplates lays the store of templates over the shipped ones, and puts a
// cache before both.
func (s *System) openTemplates(ctx context.Context) (*template.Service, error) {
	open := s.openFolder
	if blob.IsURL(s.cfg.Templates.At) {
		open = s.openBucket
	}
	own, err := open(ctx)
	if err != nil {
		return nil, err
	}
	store := template.Layered{own, template.Shipped()}
	service := template.NewService(store, template.Options{TTL: s.cfg.Templates.TTL})
	s.onClose(func() error { service.Close(); return nil })
	if warm, err := service.Warm(ctx); err != nil {
		s.cfg.Log.Warn("some templates cannot be used", slog.Int("usable", warm), slog.Any("error", err))
	}
	s.metrics.ObserveCache("templates", func() telemetry.CacheStats {
		stats := service.Stats()
		return telemetry.CacheStats{Hits: stats.Hits, Misses: stats.Misses, Entries: stats.Entries}
	})
	return service, nil
}

func (s *System) openFolder(context.Context) (pipeline.TemplateStore, error) {
	dir := s.cfg.Templates.At
	if dir == "" {
		dir = s.data.templates()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the templates folder: %w", err)
		}
		if s.cfg.Role != All {
			s.cfg.Log.Warn("templates that are written here are known to this process alone; --templates names a place for all", slog.String("folder", dir))
		}
	}
	folder, err := template.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	s.onClose(folder.Close)
	s.served(engineFolder, "templates")
	return folder, nil
}

func (s *System) openBucket(ctx context.Context) (pipeline.TemplateStore, error) {
	bucket, err := await(ctx, s.patience, func(ctx context.Context) (*blob.Store, error) {
		return blob.Open(ctx, s.cfg.Templates.At)
	})
	if err != nil {
		return nil, err
	}
	s.onClose(bucket.Close)
	s.served(engineBucket, "templates")
	s.depend(&dependency{
		name: pipeline.EngineTemplates, address: bucket.Address(), ping: bucket.Check,
		without: "templates that are not in use get 503, and none is written",
	})
	return bucket, nil
}
