"""Moves one module with rope: rope_move.py ROOT MODULE FOLDER, paths from ROOT."""

import sys

from rope.base.project import Project
from rope.refactor.move import create_move

root, module, folder = sys.argv[1:]
project = Project(root, ropefolder=None)
move = create_move(project, project.get_resource(module))
project.do(move.get_changes(project.get_resource(folder)))
project.close()
