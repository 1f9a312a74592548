"""Pure models of a trace and its runs, and their JSON: what every view shows."""
