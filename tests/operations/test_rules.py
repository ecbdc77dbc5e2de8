"""Dashboard, alert rules and runbook agree with what a service really shows; promtool runs the rules' own cases."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from services.notifier.main import PARTS
from shared.http.gauges import Gauges
from shared.messaging.controls import Controls
from shared.messaging.figures import Figures
from shared.messaging.silence import Hush
from shared.runtime import Runtime
from shared.survey import Asked, Readiness, View
from tests.http.conftest import settings

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "arrears.json"
RUNBOOK = ROOT / "docs" / "operations" / "runbook.md"
CASES = Path(__file__).with_name("alerts_test.yaml")
WORDS = frozenset(
    [
        "sum",
        "max",
        "min",
        "avg",
        "count",
        "rate",
        "increase",
        "histogram_quantile",
        "absent",
        "label_values",
        "by",
        "without",
        "on",
        "ignoring",
        "group_left",
        "group_right",
        "or",
        "and",
        "unless",
        "bool",
    ]
)
PROMETHEUS_OWN = frozenset({"instance", "job", "le"})
"""Labels that Prometheus adds, and the one of histograms."""


def rules():
    groups = YAML(typ="safe").load(ALERTS)["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels():
    return [
        panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"
    ]


def expressions():
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def names_in(expression):
    """The metrics and the labels that a PromQL expression names."""
    plain = re.sub(r"\$__\w+|\$\w+", "1m", expression)
    labels = {
        label
        for group in re.findall(r"\{([^}]*)\}", plain)
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", group)
    }
    plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", " ", plain)
    grouping = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)"
    for group in re.findall(grouping, plain):
        labels |= set(re.findall(r"\w+", group))
    plain = re.sub(grouping, " ", plain)
    return set(re.findall(r"\b[a-zA-Z_:][\w:]*", plain)) - WORDS, labels


@pytest.fixture
async def shown(database):
    """The names of all samples and labels that /metrics can show, from a service that has something of everything."""
    runtime = Runtime(PARTS, settings(database, kafka="127.0.0.1:9"))
    gauges = Gauges(runtime)
    asked = {"database": Asked(0.1)}
    none = Controls((), (), None)
    ready = Readiness((), asked, (0,), (), (0, 0.0), none, is_leader=True, blocked=0)
    figures = Figures(effects={("pending", "sms"): 1}, quarantine={"schema": 1}, parked={"here": 1})
    now = runtime.clock.now()
    gauges.view = View(now, ready, figures, Hush(now, 1.0, silent=False), {})
    families = list(runtime.metrics.registry.collect())
    await runtime.engine.dispose()
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    names = {f"{f.name}{s}" for f in families for s in suffixes.get(f.type, ("",))}
    labels = {label for f in families for sample in f.samples for label in sample.labels}
    return names, labels | {"type", "kind", "outcome", "topic", "partition"}


async def test_every_metric_and_label_that_rules_and_dashboard_name_exists(shown):
    names, labels = shown
    for expression in expressions():
        metrics, used = names_in(expression)
        assert metrics, expression
        assert metrics <= names, f"{sorted(metrics - names)} in {expression}"
        assert used <= labels | PROMETHEUS_OWN, f"{sorted(used - labels)} in {expression}"


def test_a_metric_that_is_not_there_would_be_seen():
    metrics, labels = names_in('sum by (service) (rate(arrears_none_total{x="1"}[5m])) > 0')
    assert (metrics, labels) == ({"arrears_none_total"}, {"service", "x"})


def test_every_alert_says_what_is_wrong_and_where_it_is_told_what_to_do():
    headings = re.findall(r"^## (.+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    linked = set()
    for rule in rules():
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning"}
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert page == "docs/operations/runbook.md"
        assert anchor in anchors, rule["alert"]
        linked.add(anchor)
    assert anchors == linked, "a section that no alert links is never read"


def test_every_alert_has_a_case_that_fires():
    fired = {
        case["alertname"]
        for group in YAML(typ="safe").load(CASES)["tests"]
        for case in group["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules()}


def test_the_dashboard_is_whole():
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in board["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
    for panel in panels():
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("arguments", [("check", "rules", ALERTS), ("test", "rules", CASES)])
def test_promtool_accepts_the_rules_and_their_cases(arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: .ci/debian-packages installs it")
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    ran = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
