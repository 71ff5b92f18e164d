package org.adjoint.plan;

import java.util.Arrays;
import java.util.List;

/**
 * What a backend executes: steps in order, over slots of memory. It depends on the structure of the graph alone, not on
 * buffers or scalar values, which are bound at each run.
 *
 * @param slots memory that the steps' views lie in
 * @param steps launches in order
 * @param leaves how many of the buffers that are bound at each run hold values before: those of the program's leaves,
 *     which come first
 * @param externals how many buffers are bound at each run: the program's leaves, then its results
 * @param scalars how many scalar values are bound at each run: the program's
 * @param extraScalars values that planning itself brought in (constants of decompositions), as
 *     {@link Program#scalars()} writes them; steps see them behind the bound ones, see {@link #withExtra}
 * @param arenaBytes size of the memory that intermediates share, the plan's peak
 * @param notes for each step, why it stands alone or where its group was split; for {@code explain}
 */
public record Plan(List<Slot> slots, List<PlanStep> steps, int leaves, int externals, int scalars,
    List<Long> extraScalars, long arenaBytes, List<String> notes) {
    /** Alignment in bytes of every slot in the arena, and the padding behind it that a kernel may overrun into. */
    public static final int ALIGNMENT = 64;

    public Plan {
        slots = List.copyOf(slots);
        steps = List.copyOf(steps);
        extraScalars = List.copyOf(extraScalars);
        notes = List.copyOf(notes);
    }

    /** A plan whose scalars are all bound, and of whose buffers each may hold a value before. */
    public Plan(List<Slot> slots, List<PlanStep> steps, int externals, int scalars, long arenaBytes,
        List<String> notes) {
        this(slots, steps, externals, externals, scalars, List.of(), arenaBytes, notes);
    }

    /** Whether a step writes where a leaf lies: a run that breaks off may leave variables half updated. */
    public boolean storesIntoLeaves() {
        return storesIntoLeaves(steps.size());
    }

    /** As {@link #storesIntoLeaves()}, of the {@code first} steps: what they compute they compute but once. */
    public boolean storesIntoLeaves(int first) {
        return steps.stream().limit(first).flatMap(step -> step.outputs().stream()).map(view -> slots.get(view.slot()))
            .anyMatch(slot -> slot.kind() == Slot.Kind.EXTERNAL && slot.position() < leaves);
    }

    /** The scalars that steps index: the {@code bound} ones of this run, then those that planning brought in. */
    public long[] withExtra(long[] bound) {
        if (bound.length != scalars) {
            throw new IllegalArgumentException("the plan binds " + scalars + " scalars, not " + bound.length);
        }
        if (extraScalars.isEmpty()) {
            return bound;
        }
        long[] all = Arrays.copyOf(bound, scalars + extraScalars.size());
        for (int i = 0; i < extraScalars.size(); i++) {
            all[scalars + i] = extraScalars.get(i);
        }
        return all;
    }
}
