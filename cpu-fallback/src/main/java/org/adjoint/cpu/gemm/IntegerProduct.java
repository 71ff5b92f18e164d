package org.adjoint.cpu.gemm;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** I32 and I64, wrapping: the low bits of 64-bit sums are those of 32-bit sums. Written for reading, not for speed. */
record IntegerProduct(Product product) implements Strategy {

    private static final double TASK_WORK = 1 << 16;

    @Override
    public void run(Operands operands, Workspace workspace, Parallel parallel) {
        double work = (double) product.n() * product.k();
        Strategy.runGrouped(product.batches() * product.m(), (long) (TASK_WORK / work), parallel, (task, worker) ->
                row(operands.batch(product, task / product.m()), task % product.m()));
    }

    private void row(Operands operands, long row) {
        ElementType type = product.c().type();
        for (long column = 0; column < product.n(); column++) {
            long at = operands.cOffset() + product.c().offset(row, column);
            long sum = product.add() ? read(type, operands.c(), at) : 0;
            for (long step = 0; step < product.k(); step++) {
                sum += read(type, operands.a(), operands.aOffset() + product.a().offset(row, step))
                        * read(type, operands.b(), operands.bOffset() + product.b().offset(step, column));
            }
            if (type == ElementType.I32) {
                operands.c().set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) sum);
            } else {
                operands.c().set(ValueLayout.JAVA_LONG_UNALIGNED, at, sum);
            }
        }
    }

    private static long read(ElementType type, MemorySegment source, long offset) {
        return type == ElementType.I32 ? source.get(ValueLayout.JAVA_INT_UNALIGNED, offset)
                : source.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
    }
}
