# Without make, on Windows for example: py -m course_utils.bootstrap lab

PYTHON ?= python3
ENVIRONMENT := .venv/bin
BOOTSTRAP := @$(PYTHON) -m course_utils.bootstrap

.PHONY: help lab test setup doctor progress lint constraints standin clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

lab: ## set up what is missing and open the course; ARGS="--no-browser" goes to JupyterLab
	$(BOOTSTRAP) lab $(ARGS)

test: ## set up what is missing and run every test; ARGS="tests/test_plots.py" goes to pytest
	$(BOOTSTRAP) test $(ARGS)

setup: ## set up what is missing
	$(BOOTSTRAP) setup

doctor: setup ## check this computer
	@$(ENVIRONMENT)/course doctor

progress: setup ## show how far you are
	@$(ENVIRONMENT)/course progress

lint: ## check style, and that no notebook holds outputs
	$(BOOTSTRAP) setup test
	$(ENVIRONMENT)/ruff check
	$(ENVIRONMENT)/ruff format --check
	$(ENVIRONMENT)/nbstripout --keep-id --verify notebooks/*.ipynb

constraints: setup ## compile constraints.txt from pyproject.toml: the newest versions that fit, to be tested
	$(ENVIRONMENT)/python -m pip install --quiet uv
	$(ENVIRONMENT)/uv pip compile --quiet --universal --fork-strategy fewest --all-extras --upgrade --no-annotate \
		--custom-compile-command "make constraints" --output-file constraints.txt pyproject.toml

standin: setup ## build the stand-in's weights again (Debian, some hours)
	PYTHON=$(CURDIR)/$(ENVIRONMENT)/python training/rebuild

clean: ## delete .venv and caches; your notebooks and your progress stay
	rm -rf .venv .venv.lock .pytest_cache .ruff_cache .hypothesis *.egg-info build
