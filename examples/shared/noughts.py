"""Noughts and crosses, all of it: a board is 9 marks, 1 of the player who has just moved, -1 of the other, 0 of none."""

from __future__ import annotations

import numpy as np

Board = tuple[int, ...]
LINES = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [0, 3, 6], [1, 4, 7], [2, 5, 8], [0, 4, 8], [2, 4, 6]])


def won(board: np.ndarray) -> np.ndarray:
    """Whether a player has three in a row: boards (..., 9) of 1 for that player."""
    return (board[..., LINES] == 1).all(axis=-1).any(axis=-1)


def moves(board: Board) -> dict[int, Board]:
    """The boards, 9 marks of 1, -1 and 0, after each move of the other player, seen by that player."""
    turned = [-mark for mark in board]
    return {i: (*turned[:i], 1, *turned[i + 1 :]) for i, mark in enumerate(board) if mark == 0}


def explore(board: Board, known: dict[Board, int]) -> int:
    """The true value of a board, and of all that can follow, to who has just moved (1): the game's tree."""
    if board not in known:
        after = [] if won(np.array(board)) else moves(board).values()
        known[board] = 1 if won(np.array(board)) else -max((explore(b, known) for b in after), default=0)
    return known[board]


def tree() -> tuple[np.ndarray, np.ndarray]:
    """All positions with a wrong move in them, (N, 9), and which of their moves lose nothing, (N, 9)."""
    known: dict[Board, int] = {}
    boards, right = [], []
    explore((0,) * 9, known)
    for board in sorted(board for board in known if not won(np.array(board))):
        good = [field for field, after in moves(board).items() if known[after] == -known[board]]
        if len(good) < board.count(0):
            boards.append(board)
            right.append([field in good for field in range(9)])
    return np.array(boards), np.array(right)


def answers(boards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All nine answers to boards (N, 9), seen by who gives them, (N, 9, 9), and which are allowed, (N, 9)."""
    after = np.where(np.eye(9, dtype=bool), 1, -boards[:, None, :])
    return after, boards == 0


def rule(boards: np.ndarray) -> np.ndarray:
    """Win where you can, else block, else the middle, a corner, a side: the field for each board."""
    mine, allowed = answers(boards)
    theirs = np.where(np.eye(9, dtype=bool), 1, boards[:, None, :])
    order = np.array([2, 1, 2, 1, 3, 1, 2, 1, 2])
    return np.where(allowed, 100 * won(mine) + 10 * won(theirs) + order, -1).argmax(axis=1)
