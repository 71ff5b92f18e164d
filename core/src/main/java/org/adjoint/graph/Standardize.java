package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.List;

/**
 * {@code (x - mean) / sqrt(variance + epsilon)} over {@code axes} (ascending), with the biased variance: the core of
 * batch, group and instance normalization (Ioffe and Szegedy, "Batch normalization", 2015). Results, in the dtype that
 * x is computed in: y, the mean and the variance, where the axes have extent 1.
 *
 * <p>Backends have no kernel for it, the groups of its decomposition are what one would do. It is an operation for its
 * gradient, which needs no more than x and the two statistics.
 */
public record Standardize(List<Integer> axes, double epsilon) implements Op.Composition {
    @Override
    public String name() {
        return "standardize";
    }

    @Override
    public List<TensorType> infer(List<TensorType> inputs) {
        TensorType x = inputs.getFirst();
        DType dtype = x.dtype().computeType();
        Shape kept = x.shape();
        for (int axis : axes) {
            kept = kept.with(axis, 1);
        }
        TensorType statistic = new TensorType(dtype, kept);
        return List.of(new TensorType(dtype, x.shape()), statistic, statistic);
    }

    @Override
    public Node[] decompose(List<Node> inputs) {
        Node x = widen(inputs.getFirst());
        Node mean = meanKeep(x);
        Node centered = sub(x, mean);
        Node variance = meanKeep(mul(centered, centered));
        return new Node[] {mul(centered, rstd(variance)), mean, variance};
    }

    private Node rstd(Node variance) {
        return reciprocal(sqrt(add(variance, epsilon)));
    }

    private Node meanKeep(Node x) {
        return mean(x, true, axes.stream().mapToInt(Integer::intValue).toArray());
    }

    @Override
    public Node[] gradient(Node node, Node[] cotangents) {
        if (cotangents[0] == null || cotangents[1] != null || cotangents[2] != null) {
            return null;
        }
        Node rstd = rstd(node.output(2));
        Node dy = cotangents[0];
        // Computed again from x, which is there for other reasons, where y need not be.
        Node y = mul(sub(widen(node.input(0)), node.output(1)), rstd);
        // dx = rstd (dy - mean(dy) - y mean(dy y))
        Node dx = mul(rstd, sub(sub(dy, meanKeep(dy)), mul(y, meanKeep(mul(dy, y)))));
        return new Node[] {cast(dx, node.input(0).dtype())};
    }
}
