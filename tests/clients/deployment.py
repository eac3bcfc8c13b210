"""Reads the files below deploy with the tools that people use for them, and prints as JSON what they say.

Helm renders and checks the chart, once with each file of values in chart/ci, and every object is compared with the schema of
Kubernetes. Objects of Prometheus' operator have no schema here; their rules are checked by promtool.
"""

import json
import sys
from pathlib import Path

import helm_python
import kubernetes_validate
import yaml

KUBERNETES = ("1.27", "1.34")
WITHOUT_SCHEMA = {"ServiceMonitor", "PrometheusRule"}
WARNING = 2


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document is not None]


def render(chart, values):
    report = helm_python.lint(chart, values, strict=True)
    faults = [message for message in report["messages"] if message["severity"] >= WARNING]
    assert not faults and not report["errors"], (faults, report["errors"])
    with helm_python.Chart.load(chart) as loaded:
        rendered = loaded.render(values, name="gate", namespace="identity")
    notes = [text for name, text in rendered.items() if name.endswith(".txt")]
    objects = [
        document for name, text in sorted(rendered.items()) if name.endswith(".yaml") for document in documents(text)
    ]
    for version in KUBERNETES:
        for item in objects:
            if item["kind"] not in WITHOUT_SCHEMA:
                kubernetes_validate.validate(item, version, strict=True)
    return {"notes": notes, "objects": objects}


def refusal(chart, values):
    try:
        with helm_python.Chart.load(chart) as loaded:
            loaded.validate_schema(values)
            loaded.render(values, name="gate", namespace="identity")
    except helm_python.HelmError as error:
        return str(error)
    raise AssertionError(f"{values} must be refused")


def main(folder, compose):
    chart = folder / "chart"
    values = {file.stem: yaml.safe_load(file.read_text()) for file in sorted((chart / "ci").glob("*.yaml"))}
    minimal = values["minimal"]
    bad = [
        {},
        {"publicUrl": minimal["publicUrl"]},
        {**minimal, "publicUrl": "http://gate.example.org"},
        {**minimal, "replica": 3},
        {**minimal, "settings": {"database": "postgres://a:b@c/d"}},
    ]
    print(
        json.dumps(
            {
                "charts": {name: render(chart, each) for name, each in values.items()},
                "refusals": [refusal(chart, each) for each in bad],
                "compose": yaml.safe_load(compose.read_text()),
                "scraped": yaml.safe_load((folder / "monitoring/prometheus.yml").read_text()),
            }
        )
    )


main(Path(sys.argv[1]), Path(sys.argv[2]))
