#!/usr/bin/env python3
"""Makes strata/tensor/functions/einsum_cases.inc: NumPy's einsum on small whole numbers, which no order of summing rounds.

Run with a Python that has NumPy:  python3 tools/golden/einsum.py
Element i of operand k is (7 i + 3 k) mod 11 - 5. strata/tensor/functions/einsum_test.cpp makes the same operands.
"""
import os

import numpy

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "strata", "tensor", "einsum_cases.inc")
CASES = [
    ("ij->ji", [(2, 3)]), ("ij->", [(2, 3)]), ("ij->j", [(2, 3)]), ("ij", [(2, 3)]), ("ba", [(2, 3)]),
    ("ii->i", [(3, 3)]), ("ii->", [(3, 3)]), ("ii", [(3, 3)]), ("bii->bi", [(2, 3, 3)]), ("bii->ib", [(2, 3, 3)]),
    ("bii->b", [(2, 3, 3)]), ("ibi->b", [(3, 2, 3)]), ("iii->i", [(3, 3, 3)]), ("iijj->ij", [(2, 2, 3, 3)]),
    ("ijij->", [(2, 3, 2, 3)]), ("...->...", [(2, 3)]), ("...ii->...i", [(2, 3, 3)]), ("i...->...i", [(2, 3, 4)]),
    ("...i->...", [(2, 3)]), ("...", [(2, 2)]), ("...ji", [(2, 3, 4)]),
    ("i,i->", [(4,), (4,)]), ("i,j->ij", [(2,), (3,)]), ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]),
    ("ij,jk->", [(2, 3), (3, 4)]), ("ij,kj->ijk", [(2, 3), (4, 3)]), ("bij,bjk->bik", [(2, 2, 3), (2, 3, 2)]),
    ("ii,ij->j", [(3, 3), (3, 2)]), ("ii,jj->ij", [(2, 2), (3, 3)]), ("ij,ij->ij", [(2, 3), (2, 3)]),
    ("...ij,...jk->...ik", [(2, 2, 3), (2, 3, 2)]), ("...ij,...jk->...ik", [(4, 2, 3), (3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]), ("...ij,...jk->...ik", [(1, 2, 3), (1, 3, 2)]),
    ("...ij,...jk", [(2, 2, 3), (2, 3, 2)]), ("b...i,i...->b...", [(2, 3, 4), (4, 3)]), ("...,...->...", [(2, 3), (3,)]),
    ("a...,b...->ab...", [(2, 3), (4, 1)]), ("i,...->i...", [(2,), ()]),
    ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]), ("ij,jk,kl", [(2, 3), (3, 4), (4, 2)]), ("i,i,i->", [(3,), (3,), (3,)]),
    ("i,i,i->i", [(3,), (3,), (3,)]), ("ij,ik,il->jkl", [(3, 2), (3, 2), (3, 3)]), ("ij,jk,ki->", [(2, 3), (3, 4), (4, 2)]),
    ("bi,bj,ij->b", [(2, 3), (2, 4), (3, 4)]), ("ii,ij,jj->j", [(3, 3), (3, 2), (2, 2)]),
    ("...ij,...jk,...kl->...il", [(2, 2, 3), (3, 2), (2, 2, 2)]), ("a,b,c,d->dcba", [(2,), (2,), (3,), (2,)]),
    ("ab,bc,cd,de,ea->", [(2, 3), (3, 2), (2, 2), (2, 3), (3, 2)]),
    ("ab,cd,ef,bc,de->af", [(2, 2), (2, 3), (2, 2), (2, 2), (3, 2)]), ("ij,jk->ik", [(2, 0), (0, 3)]),
    ("ii->i", [(0, 0)]), ("ij,jk,kl->il", [(2, 3), (3, 0), (0, 2)]),
    ("a,a,a,a,a,a,a,a,a,ab->b", [(2,)] * 9 + [(2, 3)]), ("i j , j k -> i k", [(2, 3), (3, 2)]), ("Ab,bA->A", [(2, 3), (3, 2)]),
    (",i->i", [(), (3,)]), ("ij,ij,j->i", [(2, 3), (2, 3), (3,)]),
]


def main():
    with open(OUT, "w") as file:
        file.write("// Made by tools/golden/einsum.py.\n")
        for formula, shapes in CASES:
            operands = []
            for k, shape in enumerate(shapes):
                count = int(numpy.prod(shape))
                operands.append((((7 * numpy.arange(count) + 3 * k) % 11) - 5).astype(numpy.float64).reshape(shape))
            result = numpy.einsum(formula, *operands)
            braces = lambda values: "{" + ", ".join(str(int(v)) for v in values) + "}"
            file.write(f'    {{"{formula}", {{{", ".join(braces(s) for s in shapes)}}}, {braces(result.shape)}, '
                       f"{braces(result.reshape(-1))}}},\n")


if __name__ == "__main__":
    main()
