"""How fast templates are rendered, beside Go itself where that is installed."""

import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.results import MeasurementError
from pitrix_drone.functions import functions
from pitrix_drone.gotemplate import Template
from pitrix_drone.keystore import Store

_HOSTS: Final = 20
_LIMIT_S: Final = 120.0
#: A configuration as the usual one is: values, and a list of peers with a choice in it.
_TEMPLATE: Final = """\
# {{getv "/cluster/name"}}
listen = {{getv "/host/ip"}}:{{getv "/env/port"}}
{{- range $index, $ip := getvs "/hosts/*"}}
server.{{$index}} = {{$ip}}:2888:3888{{if eq $ip (getv "/host/ip")}} # this one{{end}}
{{- end}}
{{- if eq (getv "/env/log") "debug"}}
verbose = true
{{- else}}
verbose = false
{{- end}}
limits = {{printf "%s-%s" (getv "/env/least") (getv "/env/most")}}
"""
_GO: Final = """\
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"sort"
	"syscall"
	"text/template"
)

func busy() float64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return float64(used.Utime.Nano()+used.Stime.Nano()) / 1e9
}

func main() {
	var given struct {
		Template string
		Values   map[string]string
		Seconds  float64
	}
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	functions := template.FuncMap{
		"getv": func(key string) string { return given.Values[key] },
		"getvs": func(pattern string) []string {
			var found []string
			for key, value := range given.Values {
				if ok, _ := path.Match(pattern, key); ok {
					found = append(found, value)
				}
			}
			sort.Strings(found)
			return found
		},
	}
	var out bytes.Buffer
	count, began := 0, busy()
	for busy()-began < given.Seconds {
		out.Reset()
		parsed := template.Must(template.New("bench").Funcs(functions).Parse(given.Template))
		if err := parsed.Execute(&out, nil); err != nil {
			panic(err)
		}
		count++
	}
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"per_s": float64(count) / (busy() - began), "text": fmt.Sprint(out.String()),
	})
}
"""


def ours_per_s(for_s: float) -> float:
    """Parse and render the template again and again, as a drone does in each pass; one core."""
    began, count = time.process_time(), 0
    while time.process_time() - began < for_s:
        _rendered()
        count += 1
    return count / (time.process_time() - began)


def go_per_s(for_s: float) -> float | None:
    """Let Go do the same; None where it is not installed.

    :raises MeasurementError: Go renders something else.
    """
    go = shutil.which("go")
    if go is None:
        return None
    given = json.dumps({"Template": _TEMPLATE, "Values": _values(), "Seconds": for_s})
    with tempfile.TemporaryDirectory(prefix="pitrix-bench-") as folder:
        source = Path(folder, "main.go")
        source.write_text(_GO)
        ran = subprocess.run(
            [go, "run", str(source)],
            input=given,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
    if ran.returncode:
        raise MeasurementError(f"go run: {ran.stderr}")
    answer = json.loads(ran.stdout)
    if answer["text"] != _rendered():
        raise MeasurementError(f"Go renders something else: {answer['text']}")
    return float(answer["per_s"])


def _rendered() -> str:
    known = functions("confd", Store(_values()))
    return Template(_TEMPLATE, name="bench", functions=known).render()


def _values() -> dict[str, str]:
    hosts = {f"/hosts/i-{number:02}": f"10.0.0.{number}" for number in range(1, _HOSTS + 1)}
    own = {"/cluster/name": "bench", "/host/ip": "10.0.0.7"}
    env = {"/env/port": "2181", "/env/log": "info", "/env/least": "10", "/env/most": "20"}
    return {**hosts, **own, **env}
