"""A folder of CWL documents, as somebody has it who moves to this server: what of it is taken, and what runs:
`python -m tests.collection FOLDER`."""
