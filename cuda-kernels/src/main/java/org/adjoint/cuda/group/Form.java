package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;

/**
 * What a kernel's text knows of a step beside its group: of extents, strides and offsets no more than this.
 *
 * @param skeleton the loop
 * @param keptRank axes that are not reduced, at least one
 * @param reducedRank axes that are; 0 where none is
 * @param walks how many ways to walk through memory there are
 * @param walkOf the walk of each operand, inputs first, or {@link Loops#UNIFORM}
 * @param packed whether an operand's {@code width} points follow each other in memory, with an access for them all
 * @param spread whether an operand's {@code width} points have an access each
 * @param width neighboring points that a thread takes at once
 * @param wide whether points are counted in 64 bits
 * @param partial whether rows are folded piece by piece, and the pieces by a second kernel
 * @param random inputs that are random bits, made on the spot
 */
record Form(Skeleton skeleton, int keptRank, int reducedRank, int walks, List<Integer> walkOf, List<Boolean> packed,
    List<Boolean> spread, int width, boolean wide, boolean partial, List<Integer> random) {

    /** The loop that a group runs in. */
    enum Skeleton {
        /** Each point for itself: no reduction. */
        POINTS,
        /** Likewise, of many tensors whose points follow each other in memory: a {@link Batch}. */
        TENSORS,
        /** A warp or a block per row of reduced points. */
        ROWS,
        /** A thread per kept point and part of its reduced points, neighbors being neighbors in memory. */
        COLUMNS
    }

    static Form of(Group group, Loops loops, Skeleton skeleton, boolean partial) {
        boolean columns = skeleton == Skeleton.COLUMNS;
        int axis = loops.kept().length + (columns ? 0 : loops.reduced().length) - 1;
        int width = width(group, loops, axis, columns);
        if (width == 1 && skeleton == Skeleton.POINTS) {
            width = storedWidth(group, loops, axis);
        }
        List<Boolean> packed = new ArrayList<>();
        List<Boolean> spread = new ArrayList<>();
        for (int i = 0; i < loops.walkOf().size(); i++) {
            boolean packs = width > 1 && isPacked(loops, i, axis, width, dtype(group, i));
            packed.add(packs);
            spread.add(width > 1 && !packs && loops.stride(i, axis) != 0);
        }
        return new Form(skeleton, loops.kept().length, loops.reduced().length, loops.walks().size(), loops.walkOf(),
            packed, spread, width, loops.isWide(), partial, List.of());
    }

    /** The same with inputs that are not loaded. */
    Form withRandom(List<Integer> inputs) {
        return new Form(skeleton, keptRank, reducedRank, walks, walkOf, packed, spread, width, wide, partial, inputs);
    }

    /** Of a {@link Batch}. */
    static Form ofTensors(Group group, List<Boolean> dense) {
        List<DType> types = new ArrayList<>(group.inputs());
        group.results().forEach(result -> types.add(result.dtype()));
        int narrowest = 8;
        List<Integer> walkOf = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            narrowest = dense.get(i) ? Math.min(narrowest, types.get(i).bytes()) : narrowest;
            walkOf.add(dense.get(i) ? 0 : Loops.UNIFORM);
        }
        return new Form(Skeleton.TENSORS, 1, 0, 1, walkOf, dense, Collections.nCopies(dense.size(), false),
            pointWidth(narrowest), false, false, List.of());
    }

    /** So many points that an access to the narrowest elements has 16 bytes, but for registers' sake at most 8. */
    private static int pointWidth(int narrowest) {
        return Math.clamp(16 / narrowest, 4, 8);
    }

    /**
     * So many points along {@code axis} that most accesses have 16 bytes, or 1 where an operand's neighbors don't lie
     * so. Fewer of columns, each of which needs registers.
     */
    private static int width(Group group, Loops loops, int axis, boolean columns) {
        List<DType> types = new ArrayList<>(group.inputs());
        group.results().forEach(result -> types.add(result.dtype()));
        int narrowest = 8;
        int widest = 1;
        boolean any = false;
        for (int i = 0; i < types.size(); i++) {
            long stride = loops.stride(i, axis);
            if (stride != 0 && stride != 1) {
                return 1;
            }
            if (stride == 1) {
                any = true;
                narrowest = Math.min(narrowest, types.get(i).bytes());
                widest = Math.max(widest, types.get(i).bytes());
            }
        }
        int width = columns ? Math.clamp(16 / widest, 2, 4) : pointWidth(narrowest);
        for (int i = 0; i < types.size(); i++) {
            if (loops.stride(i, axis) == 1 && !isPacked(loops, i, axis, width, types.get(i))) {
                return 1;
            }
        }
        long extent = loops.extent(axis);
        boolean fits = columns ? extent % width == 0 && extent >= 32L * width
            : loops.isOnlyOfItsKind(axis) || extent % width == 0;
        return any && fits ? width : 1;
    }

    /**
     * So many points that all results are stored in packs whatever the inputs, which saves finding each point's place
     * by itself; 1 where they are not, or a row is no whole number of packs.
     */
    private static int storedWidth(Group group, Loops loops, int axis) {
        int inputs = group.inputs().size();
        int narrowest = 8;
        for (Group.Result result : group.results()) {
            narrowest = Math.min(narrowest, result.dtype().bytes());
        }
        int width = pointWidth(narrowest);
        while (loops.extent(axis) % width != 0) {
            width /= 2;
        }
        for (int i = inputs; i < loops.walkOf().size(); i++) {
            if (!isPacked(loops, i, axis, width, dtype(group, i))) {
                return 1;
            }
        }
        return width;
    }

    private static DType dtype(Group group, int operand) {
        int inputs = group.inputs().size();
        return operand < inputs ? group.inputs().get(operand) : group.results().get(operand - inputs).dtype();
    }

    /** Whether an operand's points follow each other along {@code axis}, and packs start at multiples of their size. */
    private static boolean isPacked(Loops loops, int operand, int axis, int width, DType dtype) {
        return loops.stride(operand, axis) == 1
            && isAligned(loops, operand, axis, Math.min(width, 16 / dtype.bytes()));
    }

    /** Whether each pack of an operand, along {@code axis}, starts at a multiple of {@code elements}. */
    private static boolean isAligned(Loops loops, int operand, int axis, int elements) {
        long[] walk = loops.walks().get(loops.walkOf().get(operand));
        boolean aligned = loops.offsets()[operand] % elements == 0;
        for (int other = 0; other < walk.length; other++) {
            aligned &= other == axis || walk[other] % elements == 0;
        }
        return aligned;
    }
}
