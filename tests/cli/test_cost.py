import json
import math
import re
from typing import Any

import pytest

from cli import output
from tests.cli.conftest import Run


def parts(line: dict[str, Any]) -> list[str]:
    shown: str = line["arithmetic"]
    return shown.split(" \N{MULTIPLICATION SIGN} ")


def test_the_arithmetic_that_is_shown_makes_the_amount_beside_it(run: Run):
    said = json.loads(run("cost", "--json").out)
    for line in said["work"] + said["fixed"]:
        factors = [float(re.split(r"[ /]", part.lstrip("$"))[0].replace(",", "")) for part in parts(line)]
        assert math.prod(factors) == pytest.approx(line["usd"], rel=0.001, abs=6e-5), line
    assert said["total_usd"] == pytest.approx(sum(line["usd"] for line in said["work"] + said["fixed"]), abs=0.01)
    assert said["managed_usd"] == 180.0


@pytest.mark.parametrize("columns", [80, 120])
def test_it_says_what_was_measured_and_what_was_read_and_fits(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int):
    monkeypatch.setattr(output.RESULTS, "width", columns)
    ended = run("cost", "--stage", "prod", "--hours", "400", "--lectures", "0.5", "--market", "on_demand", "--explain")
    assert ended.code == 0
    assert max(len(line) for line in ended.out.splitlines()) <= columns
    for said in (
        "400 h of video, 50% lectures",
        "Measured (20",
        "List prices, to be checked",
        "about 1.80",
        "$0.526/h",
        "Assumed: Spot prices",
        "wring.co",
    ):
        assert said in ended.out
    words = " ".join(ended.out.split())
    assert "NVENC, which takes the encoding off them, was not there to measure" in words


def test_what_cannot_be_is_refused_by_name(run: Run):
    ended = run("cost", "--instance", "p4d.24xlarge")
    assert (ended.code, "p4d.24xlarge: dev has g4dn.xlarge" in ended.err) == (2, True)
    assert run("cost", "--lectures", "2").code == 2
    for hours in ("inf", "1e308"):
        refused = run("cost", "--hours", hours)
        assert (refused.code, "amount_invalid" in refused.err) == (2, True)


def test_nothing_to_do_costs_what_is_there_all_month_and_is_not_called_dearer_for_ever(run: Run):
    out = run("cost", "--hours", "0", "--sheets", "0").out
    assert "never" not in out
    assert "videos only" in out
    said = json.loads(run("cost", "--hours", "0", "--sheets", "0", "--json").out)
    assert (said["work"], said["video_usd_per_source_hour"], said["even_at_hours"]) == ([], None, None)
