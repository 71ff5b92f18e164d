package org.adjoint.cpu.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.adjoint.cpu.CpuKernel;
import org.adjoint.cpu.Parallel;
import org.adjoint.graph.DType;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/** 0, 1, 2, ... in {@code I32} or {@code I64}. */
public final class IotaKernel implements CpuKernel {
    private static final int BLOCK = 16384;

    private final View y;

    public IotaKernel(PlanStep.Kernel step) {
        this.y = step.outputs().getFirst();
    }

    @Override
    public void run(MemorySegment[] slots, long[] scalars, Parallel parallel) {
        long count = y.shape().elements();
        MemorySegment memory = slots[y.slot()];
        parallel.run(Math.toIntExact((count + BLOCK - 1) / BLOCK), (task, worker) -> {
            long end = Math.min(count, (task + 1L) * BLOCK);
            for (long i = (long) task * BLOCK; i < end; i++) {
                if (y.dtype() == DType.I32) {
                    memory.set(ValueLayout.JAVA_INT_UNALIGNED, y.byteOffset() + i * Integer.BYTES, (int) i);
                } else {
                    memory.set(ValueLayout.JAVA_LONG_UNALIGNED, y.byteOffset() + i * Long.BYTES, i);
                }
            }
        });
    }
}
