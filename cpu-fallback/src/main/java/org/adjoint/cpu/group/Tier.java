package org.adjoint.cpu.group;

/** How groups are run. All give the same bits. */
enum Tier {
    /** New groups block by block with the kernels of their ops, hot ones compiled; vectors once they are warm. */
    ADAPTIVE,
    /** Always block by block. */
    BLOCKS,
    /** Always compiled, at once. */
    COMPILED
}
