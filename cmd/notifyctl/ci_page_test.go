package main

import (
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// ciPage reads docs/ci.md.
func ciPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// yamlBlocks gives the blocks of a page that are fenced as yaml.
func yamlBlocks(page string) []string {
	var blocks []string
	for {
		_, after, found := strings.Cut(page, "```yaml\n")
		if !found {
			return blocks
		}
		block, rest, _ := strings.Cut(after, "```")
		blocks, page = append(blocks, block), rest
	}
}

// TestTheWorkflowInTheDocsIsOne reads the workflow that docs/ci.md shows, and runs
// its command lines against the program's own help: each flag is one that there is.
func TestTheWorkflowInTheDocsIsOne(t *testing.T) {
	blocks := yamlBlocks(ciPage(t))
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of YAML, want the workflow and the job", len(blocks))
	}
	var workflow struct {
		On   any `yaml:"on"`
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses string
				Run  string
				With map[string]any
				If   string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(blocks[0]), &workflow); err != nil {
		t.Fatal(err)
	}
	job := workflow.Jobs["load"]
	if workflow.On == nil || job.RunsOn == "" || len(job.Steps) < 4 {
		t.Fatalf("it is no workflow: %+v", workflow)
	}
	commands := 0
	for _, step := range job.Steps {
		if (step.Uses == "") == (step.Run == "") {
			t.Errorf("a step either uses an action or runs a command: %+v", step)
		}
		if strings.HasPrefix(step.Run, "notifyctl ") {
			requireFlags(t, step.Run)
			commands++
		}
	}
	if commands == 0 {
		t.Error("it never runs the program")
	}
}

// TestTheJobInTheDocsIsOne does the same with the Kubernetes Job.
func TestTheJobInTheDocsIsOne(t *testing.T) {
	var job struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Spec       struct {
			CompletionMode string `yaml:"completionMode"`
			Completions    int
			Parallelism    int
			Template       struct {
				Spec struct {
					RestartPolicy string `yaml:"restartPolicy"`
					Containers    []struct {
						Name, Image   string
						Command, Args []string
						Env           []struct{ Name, Value string }
						VolumeMounts  []struct{ Name string } `yaml:"volumeMounts"`
					}
					Volumes []struct{ Name string }
				}
			}
		}
	}
	if err := yaml.Unmarshal([]byte(yamlBlocks(ciPage(t))[1]), &job); err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.Template.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" || job.Spec.CompletionMode != "Indexed" || pod.RestartPolicy != "Never" || len(pod.Containers) != 1 {
		t.Fatalf("it is no indexed Job: %+v", job)
	}
	container := pod.Containers[0]
	if job.Spec.Completions != job.Spec.Parallelism || !strings.Contains(container.Args[0], "/4") || job.Spec.Completions != 4 {
		t.Error("the shards do not run together, or are not as many as the flag says")
	}
	if container.VolumeMounts[0].Name != pod.Volumes[0].Name {
		t.Errorf("it mounts %s, and has %s", container.VolumeMounts[0].Name, pod.Volumes[0].Name)
	}
	requireFlags(t, strings.TrimPrefix(container.Args[0], "exec "))
}

// requireFlags fails where a command line has a flag that the command has not.
func requireFlags(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	cmd, _, err := newRootCommand(&app{}).Find(words[1:])
	if err != nil || cmd.Name() == "notifyctl" {
		t.Fatalf("%s: %v", line, err)
	}
	for _, word := range words {
		if name, ok := strings.CutPrefix(word, "--"); ok && cmd.Flags().Lookup(name) == nil {
			t.Errorf("%s has no flag %s", cmd.Name(), word)
		}
	}
}
