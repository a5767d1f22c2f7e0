"""Templates of other programs, made for the tests: a form with two columns of questions and a three-digit number."""

import copy
import json
from pathlib import Path
from typing import Any

NEUTRAL: dict[str, Any] = {
    "set": "made",
    "frame": {"width": 800, "height": 1000, "desc": "centres of the four markers map to the frame corners"},
    "fiducials": [{"type": "concentric", "role": "TL/TR/BR/BL", "desc": "rings", "size_px": 40}],
    "groups": [],
    "notes": "",
    "fields": [
        {
            "name": f"q{number}",
            "kind": "mcq",
            "shape": "circle",
            "rx": 10,
            "ry": 8,
            "group": None,
            "bubbles": [{"value": v, "x": 100 + 30 * i, "y": 400 + 30 * number} for i, v in enumerate("ABCD")],
        }
        for number in (1, 2)
    ]
    + [
        {
            "name": f"roll{place}",
            "kind": "digit",
            "shape": "circle",
            "rx": 10,
            "ry": 10,
            "group": None,
            "bubbles": [{"value": str(digit), "x": 400 + 30 * place, "y": 50 + 25 * digit} for digit in range(10)],
        }
        for place in (1, 2, 3)
    ],
}

OMRCHECKER: dict[str, Any] = {
    "pageDimensions": [800, 1000],
    "bubbleDimensions": [20, 16],
    "customLabels": {"Roll No": ["roll1..3"]},
    "fieldBlocks": {
        "Answers": {
            "fieldType": "QTYPE_MCQ4",
            "origin": [90, 422],
            "fieldLabels": ["q1..2"],
            "bubblesGap": 30,
            "labelsGap": 30,
        },
        "Roll": {
            "fieldType": "QTYPE_INT",
            "origin": [420, 42],
            "fieldLabels": ["roll1..3"],
            "bubblesGap": 25,
            "labelsGap": 30,
        },
    },
    "preProcessors": [{"name": "CropPage", "options": {}}],
}

FORMSCANNER = """<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<template density="40" threshold="127" version="2.1">
    <corners type="ANGULAR">
        <corner position="TOP_RIGHT"><point x="700.0" y="51.0"/></corner>
        <corner position="TOP_LEFT"><point x="50.0" y="50.0"/></corner>
        <corner position="BOTTOM_LEFT"><point x="50.0" y="900.0"/></corner>
        <corner position="BOTTOM_RIGHT"><point x="701.0" y="900.0"/></corner>
    </corners>
    <fields groups="true" shape="SQUARE" size="15">
        <group name="G1">
            <question multiple="false" question="gender" rejectMultiple="false" type="QUESTIONS_BY_ROWS">
                <values>
                    <value response="M"><point x="300.0" y="200.0"/></value>
                    <value response="F"><point x="200.0" y="201.0"/></value>
                </values>
            </question>
        </group>
    </fields>
</template>
"""


def neutral(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(NEUTRAL) | changes


def omrchecker(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(OMRCHECKER) | changes


def written(folder: Path, content: Any, name: str = "template.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
