package org.adjoint.plan;

import java.util.List;

/**
 * What a backend executes: steps in order, over slots of memory. It depends on the structure of the graph alone, not on
 * buffers or scalar values, which are bound at each run.
 *
 * @param slots memory that the steps' views lie in
 * @param steps launches in order
 * @param externals how many buffers are bound at each run: the program's leaves, then its results
 * @param scalars how many scalar values are bound at each run
 * @param arenaBytes size of the memory that intermediates share, the plan's peak
 * @param notes for each step, why it stands alone or where its group was split; for {@code explain}
 */
public record Plan(List<Slot> slots, List<PlanStep> steps, int externals, int scalars, long arenaBytes,
    List<String> notes) {
    /** Alignment in bytes of every slot in the arena, and the padding behind it that a kernel may overrun into. */
    public static final int ALIGNMENT = 64;

    public Plan {
        slots = List.copyOf(slots);
        steps = List.copyOf(steps);
        notes = List.copyOf(notes);
    }
}
