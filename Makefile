# Everything runs in .venv, which scripts/setup.sh makes and keeps up to date.
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test notebook check lint types format clean

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## compile and run a transformer, check it against IREE, write demo.html
	@scripts/setup.sh demo
	@$(PYTHON) scripts/demo.py

test: ## run every test, browser tests included
	@scripts/setup.sh test
	@$(PYTHON) -m pytest -n 2 --dist loadfile

notebook: ## open the notebooks in JupyterLab
	@scripts/setup.sh demo
	@.venv/bin/ireelab notebook

check: lint types test ## lint, types and tests

lint: ## style and imports
	@scripts/setup.sh dev
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .

types: ## static types
	@scripts/setup.sh dev
	@$(PYTHON) -m pyright

format: ## rewrite the sources in the project's style
	@scripts/setup.sh dev
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

clean: ## remove what was built, the environment included
	rm -rf .venv build dist frontend/node_modules ireelab/widgets/static test-artifacts demo.html
