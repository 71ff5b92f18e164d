package org.adjoint.cpu.gemm;

import java.lang.foreign.ValueLayout;

/** A sum over nothing: zeros, or c unchanged; or no elements at all. */
record EmptyProduct(Product product) implements Strategy {

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        if (product.add()) {
            return;
        }
        Layout c = product.c();
        for (long batch = 0; batch < product.batches(); batch++) {
            Operands at = operands.batch(product, batch);
            for (long row = 0; row < product.m(); row++) {
                for (long column = 0; column < product.n(); column++) {
                    long offset = at.cOffset() + c.offset(row, column);
                    switch (c.type()) {
                        case F16, BF16 -> at.c().set(ValueLayout.JAVA_SHORT_UNALIGNED, offset, (short) 0);
                        case F32, I32 -> at.c().set(ValueLayout.JAVA_INT_UNALIGNED, offset, 0);
                        case F64, I64 -> at.c().set(ValueLayout.JAVA_LONG_UNALIGNED, offset, 0);
                    }
                }
            }
        }
    }
}
