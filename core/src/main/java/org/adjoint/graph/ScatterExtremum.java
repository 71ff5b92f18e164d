package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.*;
import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.IndexingOps.scatterAdd;
import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * The elements of x, each the largest (or smallest) of itself and the updates whose index along an axis is its. Inputs:
 * x, indices, updates of the indices' shape and the dtype of x. Its derivative shares evenly among all that tie, which
 * that of the last one written would not.
 */
public record ScatterExtremum(boolean largest, int axis) implements Op.Composition {
    @Override
    public String name() {
        return largest ? "scatterMax" : "scatterMin";
    }

    @Override
    public List<TensorType> infer(List<TensorType> inputs) {
        return List.of(inputs.getFirst());
    }

    @Override
    public Node[] decompose(List<Node> inputs) {
        Node x = inputs.get(0);
        Node indices = inputs.get(1);
        Node updates = inputs.get(2);
        // The last of equal indices wins: so the updates go in order, the winning one last, and behind it NaN.
        Node order = largest ? argSort(updates, axis, false)
            : x.dtype().isFloating() ? argSort(neg(updates), axis, false) : argSort(updates, axis, true);
        Node best = scatter(x, axis, gather(indices, axis, order), gather(updates, axis, order));
        return new Node[] {binary(largest ? BinaryOp.MAX : BinaryOp.MIN, x, best)};
    }

    @Override
    public Node[] gradient(Node node, Node[] cotangents) {
        Node x = node.input(0);
        Node indices = node.input(1);
        Node updates = node.input(2);
        DType compute = x.dtype().computeType();
        Node best = extremum(node);
        Node own = equal(x, best);
        Node hits = equal(updates, gather(best, axis, indices));
        Node ties = scatterAdd(cast(own, compute), axis, indices, cast(hits, compute));
        Node share = div(cast(cotangents[0], compute), ties);
        Node zero = zeroOf(compute);
        return new Node[] {cast(where(own, share, zero), x.dtype()), null,
            cast(where(hits, gather(share, axis, indices), zero), x.dtype())};
    }
}
