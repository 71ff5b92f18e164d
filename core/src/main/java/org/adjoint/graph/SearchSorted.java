package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * How many elements of an ascending sequence come before each value, or with {@code orEqual} are equal to it as well;
 * NaN comes last. Inputs, of one dtype: the sequence {@code (n)} and values of any shape, or {@code (batch..., n)} and
 * {@code (batch..., m)}. The result is {@code I64}, shaped like the values.
 *
 * <p>A kernel takes one pass over the values, the decomposition one for each step of a binary search.
 */
public record SearchSorted(boolean orEqual) implements Op.Fused {
    @Override
    public String name() {
        return "searchSorted";
    }

    @Override
    public List<TensorType> infer(List<TensorType> inputs) {
        return List.of(new TensorType(DType.I64, inputs.get(1).shape()));
    }

    @Override
    public Node[] decompose(List<Node> inputs) {
        Node sorted = inputs.get(0);
        Shape shape = inputs.get(1).shape();
        int last = sorted.shape().rank() - 1;
        Node value = last == 0 ? reshape(inputs.get(1), Shape.of(shape.elements())) : inputs.get(1);
        long n = sorted.shape().extent(last);
        Node count = full(DType.I64, value.shape(), 0);
        for (long step = Long.highestOneBit(n); step > 0 && !shape.isEmpty(); step >>= 1) {
            Node probe = add(count, step);
            Node element = gather(sorted, last, sub(min(probe, constant(DType.I64, n)), 1));
            Node before = binary(BinaryOp.AND, binary(BinaryOp.LESS_OR_EQUAL, probe, n), precedes(element, value));
            count = where(before, probe, count);
        }
        return new Node[] {reshape(count, shape)};
    }

    private Node precedes(Node a, Node b) {
        Node ordered = binary(orEqual ? BinaryOp.LESS_OR_EQUAL : BinaryOp.LESS_THAN, a, b);
        if (!a.dtype().isFloating()) {
            return ordered;
        }
        Node nanLast = unary(UnaryOp.IS_NAN, b);
        return binary(BinaryOp.OR, ordered,
            orEqual ? nanLast : binary(BinaryOp.AND, nanLast, unary(UnaryOp.NOT, unary(UnaryOp.IS_NAN, a))));
    }

    @Override
    public Node[] gradient(Node node, Node[] cotangents) {
        return new Node[2];
    }
}
