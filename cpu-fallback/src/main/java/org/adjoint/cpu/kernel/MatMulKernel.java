package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.cpu.gemm.Gemm;
import org.adjoint.cpu.gemm.GemmPlan;
import org.adjoint.cpu.gemm.Layout;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** Batched matrix product over views with any strides. */
public final class MatMulKernel implements CpuKernel {
    private final View a;
    private final View b;
    private final View c;
    private final GemmPlan plan;

    public MatMulKernel(PlanStep.Kernel step, Gemm gemm) {
        this.a = step.inputs().get(0);
        this.b = step.inputs().get(1);
        this.c = step.outputs().getFirst();
        int rank = c.shape().rank();
        this.plan = gemm.plan(c.shape().extent(rank - 2), c.shape().extent(rank - 1), a.shape().extent(rank - 1),
            layout(a), layout(b), layout(c), false, Arrays.copyOf(c.shape().toArray(), rank - 2));
    }

    private static Layout layout(View view) {
        int rank = view.shape().rank();
        return new Layout(Arithmetic.elementType(view.dtype()), view.strides()[rank - 2], view.strides()[rank - 1],
            Arrays.copyOf(view.strides(), rank - 2));
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        plan.run(slots[a.slot()], a.byteOffset(), slots[b.slot()], b.byteOffset(), slots[c.slot()], c.byteOffset(),
            new Workers(parallel));
    }

    /** The workers as the products see them. */
    private record Workers(Parallel parallel) implements org.adjoint.cpu.gemm.Parallel {
        @Override
        public int workers() {
            return parallel.workers();
        }

        @Override
        public void run(int tasks, TaskBody body) {
            parallel.run(tasks, body::run);
        }
    }
}
