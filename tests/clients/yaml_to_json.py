"""Prints the documents of a YAML file as one list of JSON.

    python yaml_to_json.py FILE
"""

import json
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    print(json.dumps(list(yaml.safe_load_all(file))))
