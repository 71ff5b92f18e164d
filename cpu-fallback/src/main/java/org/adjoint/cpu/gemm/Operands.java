package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;

/** Where the three matrices of a run start: segments and offsets in bytes. */
record Operands(MemorySegment a, long aOffset, MemorySegment b, long bOffset, MemorySegment c, long cOffset) {

    Operands transposed() {
        return new Operands(b, bOffset, a, aOffset, c, cOffset);
    }

    /** Those of one matrix of the batch. */
    Operands batch(Product product, long batch) {
        long[] extents = product.extents();
        return extents.length == 0 ? this : new Operands(
                a, aOffset + product.a().batchOffset(batch, extents),
                b, bOffset + product.b().batchOffset(batch, extents),
                c, cOffset + product.c().batchOffset(batch, extents));
    }
}
