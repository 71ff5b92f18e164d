package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.adjoint.cuda.kernel.Divisor;
import org.adjoint.plan.PlanStep;
import org.adjoint.plan.View;

/**
 * A step's loop domain: axes of extent 1 dropped and neighbors merged where every operand walks them as one, kept axes
 * and reduced axes each for themselves. Operands are the inputs, then the outputs.
 *
 * @param kept extents, at least one; 1 where nothing is kept
 * @param reduced likewise; of no axes where the group does not reduce
 * @param walks ways to walk through memory, each once and at least one: a stride per kept axis, then per reduced axis
 * @param walkOf the walk of each operand, or {@link #UNIFORM}
 * @param offsets of each operand's first element, in elements
 */
record Loops(long[] kept, long[] reduced, List<long[]> walks, List<Integer> walkOf, long[] offsets) {
    /** All points have one element. */
    static final int UNIFORM = -1;

    /** Points and offsets below this are counted in 32 bits: launches round up. */
    private static final long MOST_IN_32_BITS = Integer.MAX_VALUE - (1 << 20);

    static Loops of(PlanStep.Elementwise step) {
        List<View> views = new ArrayList<>(step.inputs());
        views.addAll(step.outputs());
        int rank = step.extents().length;
        int split = rank - step.reducedAxes();
        List<Integer> keptAxes = new ArrayList<>();
        List<Long> kept = merge(step.extents(), views, 0, split, keptAxes);
        List<Integer> reducedAxes = new ArrayList<>();
        List<Long> reduced = merge(step.extents(), views, split, rank, reducedAxes);
        boolean reduces = step.group().reduces();
        List<long[]> walks = new ArrayList<>();
        List<Integer> walkOf = new ArrayList<>();
        for (View view : views) {
            long[] walk = new long[Math.max(1, kept.size()) + (reduces ? Math.max(1, reduced.size()) : 0)];
            for (int i = 0; i < kept.size(); i++) {
                walk[i] = view.strides()[keptAxes.get(i)];
            }
            for (int i = 0; i < reduced.size(); i++) {
                walk[Math.max(1, kept.size()) + i] = view.strides()[reducedAxes.get(i)];
            }
            walkOf.add(Arrays.stream(walk).allMatch(stride -> stride == 0) ? UNIFORM : indexOf(walks, walk));
        }
        if (walks.isEmpty()) {
            walks.add(new long[Math.max(1, kept.size()) + (reduces ? Math.max(1, reduced.size()) : 0)]);
        }
        return new Loops(array(kept), reduces ? array(reduced) : new long[0], List.copyOf(walks), List.copyOf(walkOf),
            views.stream().mapToLong(View::offset).toArray());
    }

    private static List<Long> merge(long[] extents, List<View> views, int from, int to, List<Integer> innermost) {
        List<Long> merged = new ArrayList<>();
        for (int axis = from; axis < to; axis++) {
            if (extents[axis] == 1) {
                continue;
            }
            int last = merged.size() - 1;
            if (last >= 0 && areOne(views, innermost.get(last), axis, extents[axis])) {
                merged.set(last, merged.get(last) * extents[axis]);
                innermost.set(last, axis);
            } else {
                merged.add(extents[axis]);
                innermost.add(axis);
            }
        }
        return merged;
    }

    private static boolean areOne(List<View> views, int outer, int inner, long extent) {
        return views.stream().allMatch(view -> view.strides()[outer] == view.strides()[inner] * extent);
    }

    private static long[] array(List<Long> extents) {
        return extents.isEmpty() ? new long[] {1} : extents.stream().mapToLong(Long::longValue).toArray();
    }

    private static int indexOf(List<long[]> walks, long[] walk) {
        for (int i = 0; i < walks.size(); i++) {
            if (Arrays.equals(walks.get(i), walk)) {
                return i;
            }
        }
        walks.add(walk);
        return walks.size() - 1;
    }

    long keptPoints() {
        return product(kept);
    }

    /** How many points are folded into one; 1 where the group does not reduce. */
    long length() {
        return product(reduced);
    }

    private static long product(long[] extents) {
        return LongStream.of(extents).anyMatch(extent -> extent == 0) ? 0
            : LongStream.of(extents).reduce(1, Math::multiplyExact);
    }

    /** An operand's stride along an axis, kept axes first; 0 for a uniform one. */
    long stride(int operand, int axis) {
        return walkOf.get(operand) == UNIFORM ? 0 : walks.get(walkOf.get(operand))[axis];
    }

    /** Extent of an axis, kept axes first. */
    long extent(int axis) {
        return axis < kept.length ? kept[axis] : reduced[axis - kept.length];
    }

    /** Whether no other kept axis stands beside this one, or no other reduced one: a pack may reach beyond its end. */
    boolean isOnlyOfItsKind(int axis) {
        return (axis < kept.length ? kept : reduced).length == 1;
    }

    /** Whether points and all offsets from the operands' first elements need 64 bits. */
    boolean isWide() {
        boolean wide = (double) keptPoints() * length() > MOST_IN_32_BITS;
        for (long[] walk : walks) {
            double farthest = 0;
            for (int axis = 0; axis < walk.length; axis++) {
                farthest += (double) Math.abs(walk[axis]) * Math.max(0, extent(axis) - 1);
            }
            wide |= farthest > MOST_IN_32_BITS;
        }
        return wide;
    }

    /** The kept axes as kernels take them, {@code Domain} in {@code group.cuh}. */
    long[] keptDomain() {
        return domain(kept, 0);
    }

    long[] reducedDomain() {
        return domain(reduced, kept.length);
    }

    private long[] domain(long[] extents, int from) {
        int rank = extents.length;
        long[] values = Arrays.copyOf(extents, rank * (2 + walks.size()));
        for (int axis = 0; axis < rank; axis++) {
            values[rank + axis] = Divisor.of(extents[axis]);
        }
        for (int i = 0; i < walks.size(); i++) {
            System.arraycopy(walks.get(i), from, values, rank * (2 + i), rank);
        }
        return values;
    }
}
