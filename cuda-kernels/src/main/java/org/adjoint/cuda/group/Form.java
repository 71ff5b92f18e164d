package org.adjoint.cuda.group;

import java.util.ArrayList;
import java.util.List;
import org.adjoint.graph.DType;
import org.adjoint.plan.Group;

/**
 * What a kernel's text knows of a step beside its group: of extents, strides and offsets no more than this.
 *
 * @param skeleton the loop
 * @param keptRank axes that are not reduced, at least one
 * @param reducedRank axes that are; 0 for {@link Skeleton#POINTS}
 * @param walks how many ways to walk through memory there are
 * @param walkOf the walk of each operand, inputs first, or {@link Loops#UNIFORM}
 * @param packed whether an operand's {@code width} points follow each other in memory, with an access for them all
 * @param width neighboring points that a thread takes at once
 * @param wide whether points are counted in 64 bits
 * @param partial whether rows are folded piece by piece, and the pieces by a second kernel
 */
record Form(Skeleton skeleton, int keptRank, int reducedRank, int walks, List<Integer> walkOf, List<Boolean> packed,
    int width, boolean wide, boolean partial) {

    /** The loop that a group runs in. */
    enum Skeleton {
        /** Each point for itself: no reduction. */
        POINTS,
        /** A warp or a block per row of reduced points. */
        ROWS,
        /** A thread per kept point and part of its reduced points, neighbors being neighbors in memory. */
        COLUMNS
    }

    static Form of(Group group, Loops loops, Skeleton skeleton, boolean partial) {
        int width = skeleton == Skeleton.COLUMNS ? 1 : width(group, loops);
        List<Boolean> packed = new ArrayList<>();
        for (int i = 0; i < loops.walkOf().size(); i++) {
            packed.add(width > 1 && loops.innerStride(i) == 1);
        }
        return new Form(skeleton, loops.kept().length, loops.reduced().length, loops.walks().size(), loops.walkOf(),
            packed, width, loops.isWide(), partial);
    }

    /** 4 or 8, so that most accesses have 16 bytes, or 1 where an operand's neighbors don't lie so. */
    private static int width(Group group, Loops loops) {
        List<DType> types = new ArrayList<>(group.inputs());
        group.results().forEach(result -> types.add(result.dtype()));
        int narrowest = 8;
        boolean any = false;
        for (int i = 0; i < types.size(); i++) {
            long stride = loops.innerStride(i);
            if (stride != 0 && stride != 1) {
                return 1;
            }
            if (stride == 1) {
                any = true;
                narrowest = Math.min(narrowest, types.get(i).bytes());
            }
        }
        int width = Math.clamp(16 / narrowest, 4, 8);
        for (int i = 0; i < types.size(); i++) {
            if (loops.innerStride(i) == 1 && !isAligned(loops, i, Math.min(width, 16 / types.get(i).bytes()))) {
                return 1;
            }
        }
        return any && isDivisible(loops, width) ? width : 1;
    }

    /** Whether each pack of an operand starts at a multiple of {@code elements}. */
    private static boolean isAligned(Loops loops, int operand, int elements) {
        long[] walk = loops.walks().get(loops.walkOf().get(operand));
        boolean aligned = loops.offsets()[operand] % elements == 0;
        for (int axis = 0; axis < walk.length - 1; axis++) {
            aligned &= walk[axis] % elements == 0;
        }
        return aligned;
    }

    /** Whether no pack goes on into the next row; a single row may end within one. */
    private static boolean isDivisible(Loops loops, int width) {
        long[] inner = loops.reduced().length > 0 ? loops.reduced() : loops.kept();
        return inner.length == 1 || inner[inner.length - 1] % width == 0;
    }
}
