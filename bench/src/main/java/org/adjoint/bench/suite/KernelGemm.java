package org.adjoint.bench.suite;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.adjoint.cpu.gemm.ElementType;
import org.adjoint.cpu.gemm.Gemm;
import org.adjoint.cpu.gemm.GemmPlan;
import org.adjoint.cpu.gemm.Layout;
import org.adjoint.cpu.gemm.Parallel;

/** The CPU backend's matrix product alone, on one thread: what the engine around it costs is the difference to it. */
final class KernelGemm implements Contender {
    private static final int ALIGNMENT = 64;

    private final Arena arena = Arena.ofShared();
    private final GemmPlan plan;
    private final MemorySegment a;
    private final MemorySegment b;
    private final MemorySegment c;

    KernelGemm(GemmCase product) {
        ElementType type = product.f64() ? ElementType.F64 : ElementType.F32;
        int m = product.m();
        int n = product.n();
        int k = product.k();
        plan = Gemm.preferred().plan(m, n, k, layout(type, product.transposedA(), m, k),
            layout(type, product.transposedB(), k, n), Layout.rowMajor(type, n), false);
        a = matrix(type, (long) m * k);
        b = matrix(type, (long) k * n);
        c = matrix(type, (long) m * n);
    }

    private static Layout layout(ElementType type, boolean transposed, int rows, int columns) {
        return transposed ? new Layout(type, 1, rows) : Layout.rowMajor(type, columns);
    }

    private MemorySegment matrix(ElementType type, long count) {
        MemorySegment segment = arena.allocate(count * type.bytes(), ALIGNMENT);
        Random random = new Random(1);
        for (long i = 0; i < count; i++) {
            double value = random.nextDouble() - 0.5;
            if (type == ElementType.F64) {
                segment.setAtIndex(ValueLayout.JAVA_DOUBLE, i, value);
            } else {
                segment.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
            }
        }
        return segment;
    }

    @Override
    public void run() {
        plan.run(a, 0, b, 0, c, 0, Parallel.SEQUENTIAL);
    }

    @Override
    public void close() {
        arena.close();
    }
}
