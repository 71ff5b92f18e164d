package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Products of tensors, as compositions of batched matrix products.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class LinearAlgebraOps {
    private LinearAlgebraOps() { }

    private static void requireNumbers(String op, Node... operands) {
        for (Node operand : operands) {
            if (operand.dtype().isBoolean()) {
                throw error("%s: does not take bool tensors: cast %s to a number type first", op, operand.type());
            }
        }
    }

    private static void requireVectors(String op, Node a, Node b) {
        if (a.shape().rank() != 1 || b.shape().rank() != 1) {
            throw error("%s: a %s and b %s must be vectors", op, a.shape(), b.shape());
        }
    }

    /** {@code sum(a_i b_i)}, of vectors of one length. */
    public static Node dot(Node a, Node b) {
        requireVectors("dot", a, b);
        requireNumbers("dot", a, b);
        if (!a.shape().equals(b.shape())) {
            throw error("dot: a %s and b %s must have the same length", a.shape(), b.shape());
        }
        DType dtype = DType.promote(a.dtype(), b.dtype());
        return cast(sum(mul(widen(cast(a, dtype)), widen(cast(b, dtype)))), dtype);
    }

    /** {@code a_i b_j}, of vectors. */
    public static Node outer(Node a, Node b) {
        requireVectors("outer", a, b);
        requireNumbers("outer", a, b);
        return mul(reshape(a, a.shape().withTrailingOne()), b);
    }

    /**
     * Sum of products over pairs of axes, which have one extent: {@code axesA[i]} of a with {@code axesB[i]} of b. The
     * result has the other axes of a, then those of b.
     */
    public static Node tensordot(Node a, Node b, int[] axesA, int[] axesB) {
        requireNumbers("tensordot", a, b);
        if (axesA.length != axesB.length) {
            throw error("tensordot: axes %s of a and %s of b must be as many", Arrays.toString(axesA),
                Arrays.toString(axesB));
        }
        int rankA = a.shape().rank();
        List<Integer> labelsA = new ArrayList<>();
        List<Integer> labelsB = new ArrayList<>();
        for (int axis = 0; axis < rankA; axis++) {
            labelsA.add(axis);
        }
        for (int axis = 0; axis < b.shape().rank(); axis++) {
            labelsB.add(rankA + axis);
        }
        List<Integer> result = new ArrayList<>(labelsA);
        result.addAll(labelsB);
        for (int i = 0; i < axesA.length; i++) {
            int axisA = a.shape().axis("tensordot", axesA[i]);
            int axisB = b.shape().axis("tensordot", axesB[i]);
            if (a.shape().extent(axisA) != b.shape().extent(axisB)) {
                throw error("tensordot: axis %d of a %s and axis %d of b %s differ", axesA[i], a.shape(), axesB[i],
                    b.shape());
            }
            if (!result.remove((Integer) axisA) || !result.remove((Integer) (rankA + axisB))) {
                throw error("tensordot: an axis is named twice in %s of a or %s of b", Arrays.toString(axesA),
                    Arrays.toString(axesB));
            }
            labelsB.set(axisB, axisA);
        }
        return Contraction.contract(List.of(new Contraction(a, labelsA), new Contraction(b, labelsB)), result);
    }

    /** {@link #tensordot(Node, Node, int[], int[])} over the last {@code count} axes of a and the first of b. */
    public static Node tensordot(Node a, Node b, int count) {
        if (count < 0 || count > a.shape().rank() || count > b.shape().rank()) {
            throw error("tensordot: a %s and b %s do not have %d axes to sum over", a.shape(), b.shape(), count);
        }
        int[] last = new int[count];
        int[] first = new int[count];
        Arrays.setAll(last, i -> a.shape().rank() - count + i);
        Arrays.setAll(first, i -> i);
        return tensordot(a, b, last, first);
    }

    /** See {@link Einsum}. */
    public static Node einsum(String equation, List<Node> operands) {
        requireNumbers("einsum", operands.toArray(Node[]::new));
        return Einsum.of(equation, operands);
    }

    /** The Kronecker product: block (i, j) of the result is {@code a_ij b}. Missing axes in front count as 1. */
    public static Node kron(Node a, Node b) {
        requireNumbers("kron", a, b);
        int rank = Math.max(a.shape().rank(), b.shape().rank());
        long[] outer = new long[2 * rank];
        long[] inner = new long[2 * rank];
        long[] product = new long[rank];
        Arrays.fill(outer, 1);
        Arrays.fill(inner, 1);
        for (int back = 1; back <= rank; back++) {
            long x = back <= a.shape().rank() ? a.shape().extent(a.shape().rank() - back) : 1;
            long y = back <= b.shape().rank() ? b.shape().extent(b.shape().rank() - back) : 1;
            outer[2 * (rank - back)] = x;
            inner[2 * (rank - back) + 1] = y;
            product[rank - back] = product("kron", x, y);
        }
        return reshape(mul(reshape(a, Shape.of(outer)), reshape(b, Shape.of(inner))), Shape.of(product));
    }
}
