package org.adjoint.cpu;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;

/** A loop: the kernels of its body, again and again over other memory. */
final class ScanKernel implements CpuKernel {
    private final PlanStep.Scan step;
    private final List<CpuKernel> body;
    private final List<Slot> slots;

    /** @param body one for each step of the loop's body */
    ScanKernel(PlanStep.Scan step, List<CpuKernel> body) {
        this.step = step;
        this.body = body;
        this.slots = step.body().slots();
    }

    /** As many launches of a kernel that does nothing. */
    ScanKernel emptied(CpuKernel empty) {
        return new ScanKernel(step, Collections.nCopies(body.size(), empty));
    }

    @Override
    public void run(MemorySegment[] outer, long[] scalars, Parallel parallel) {
        MemorySegment[] inner = new MemorySegment[slots.size()];
        for (long iteration = 0; iteration < step.length(); iteration++) {
            for (int i = 0; i < inner.length; i++) {
                Slot slot = slots.get(i);
                if (iteration == 0 || slot.kind() == Slot.Kind.EXTERNAL) {
                    PlanStep.Place place = step.place(slot, iteration);
                    inner[i] = outer[place.slot()].asSlice(place.offset(), MemoryPool.padded(slot.bytes()));
                }
            }
            for (CpuKernel kernel : body) {
                kernel.run(inner, step.scalars(), parallel);
            }
        }
    }
}
