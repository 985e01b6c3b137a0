package engine

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/notifyctl/notifyctl/pipeline/telemetry"
	"github.com/notifyctl/notifyctl/pipeline/template"
)

func (s *System) openTemplates(ctx context.Context) (*template.Service, error) {
	dir := s.cfg.Templates.Dir
	if dir == "" {
		dir = s.data.templates()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the templates folder: %w", err)
		}
	}
	folder, err := template.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	s.onClose(folder.Close)
	s.served(engineFolder, "templates")
	store := template.Layered{folder, template.Shipped()}
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
