package org.adjoint.reference;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.adjoint.backend.Buffer;
import org.adjoint.backend.Executable;
import org.adjoint.plan.Plan;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.Slot;

/** Interprets a plan, step by step. */
final class ReferenceExecutable implements Executable {
    private final Plan plan;

    ReferenceExecutable(Plan plan) {
        this.plan = plan;
    }

    @Override
    public void run(Buffer[] externals, long[] scalars) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment[] slots = bind(externals, arena);
            run(plan, slots, plan.withExtra(scalars));
        }
    }

    private static void run(Plan plan, MemorySegment[] slots, long[] scalars) {
        for (PlanStep step : plan.steps()) {
            switch (step) {
                case PlanStep.Elementwise elementwise -> ElementwiseStep.run(elementwise, slots, scalars);
                case PlanStep.Kernel kernel -> KernelStep.run(kernel, slots);
                case PlanStep.Scan scan -> run(scan, slots);
            }
        }
    }

    private static void run(PlanStep.Scan scan, MemorySegment[] slots) {
        List<Slot> inner = scan.body().slots();
        MemorySegment[] bound = new MemorySegment[inner.size()];
        for (long i = 0; i < scan.length(); i++) {
            for (int slot = 0; slot < bound.length; slot++) {
                PlanStep.Place place = scan.place(inner.get(slot), i);
                bound[slot] = slots[place.slot()].asSlice(place.offset(), inner.get(slot).bytes());
            }
            run(scan.body(), bound, scan.scalars());
        }
    }

    @Override
    public void dryRun(Buffer[] externals, long[] scalars) {
        try (Arena arena = Arena.ofConfined()) {
            bind(externals, arena);
            plan.withExtra(scalars);
        }
    }

    /** The memory of each slot. */
    private MemorySegment[] bind(Buffer[] externals, Arena arena) {
        MemorySegment intermediates = ReferenceBuffer.allocate(arena, plan.arenaBytes());
        MemorySegment[] slots = new MemorySegment[plan.slots().size()];
        for (int i = 0; i < slots.length; i++) {
            Slot slot = plan.slots().get(i);
            slots[i] = switch (slot.kind()) {
                case EXTERNAL -> ((ReferenceBuffer) externals[(int) slot.position()]).memory();
                case ARENA -> intermediates.asSlice(slot.position(), slot.bytes());
            };
        }
        return slots;
    }

    /** Holds nothing between runs. */
    @Override
    public void close() { }
}
