package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.plan.PlanStep;

/** Matrix product of {@code U8}, wrapping: correct, but not made for speed. */
public final class ByteMatMulKernel implements CpuKernel {
    private final MatrixView a;
    private final MatrixView b;
    private final MatrixView c;

    public ByteMatMulKernel(PlanStep.Kernel step) {
        this.a = new MatrixView(step.inputs().get(0));
        this.b = new MatrixView(step.inputs().get(1));
        this.c = new MatrixView(step.outputs().getFirst());
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        if (c.columns() == 0) {
            return;
        }
        parallel.run(Math.toIntExact(c.count() * c.rows()), (task, worker) -> {
            long matrix = task / c.rows();
            int row = task % c.rows();
            for (int column = 0; column < c.columns(); column++) {
                int sum = 0;
                for (int p = 0; p < a.columns(); p++) {
                    sum += a.memory(slots).get(ValueLayout.JAVA_BYTE, a.offset(matrix, row, p))
                        * b.memory(slots).get(ValueLayout.JAVA_BYTE, b.offset(matrix, p, column));
                }
                c.memory(slots).set(ValueLayout.JAVA_BYTE, c.offset(matrix, row, column), (byte) sum);
            }
        });
    }
}
