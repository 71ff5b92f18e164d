package org.adjoint.optim;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.Shape;

/**
 * Muon (Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024), as PyTorch's
 * {@code torch.optim.Muon}, for matrices, and {@link AdamW} for the other parameters. A matrix with gradient g, rate r,
 * weight decay w and momentum m becomes
 *
 * <pre>
 * b = m b + (1 - m) g
 * d = orthogonal(m b + (1 - m) g)        or, without Nesterov's momentum, orthogonal(b)
 * p = p (1 - r w) - r s d
 * </pre>
 *
 * where {@code orthogonal} replaces all singular values by about 1, in five steps of a Newton-Schulz iteration, and s
 * is the {@link Scale}. Embeddings and the output layer do better with AdamW: see {@link #matrices}. Betas and epsilon
 * are AdamW's.
 */
public final class Muon extends MomentOptimizer<Muon> {
    /** By which orthogonal directions of (rows, columns) are scaled. */
    public enum Scale {
        /** {@code sqrt(max(1, rows / columns))}. */
        ORIGINAL,
        /** {@code 0.2 sqrt(max(rows, columns))}: steps as large as AdamW's, for its rates (Liu et al., 2025). */
        MATCH_ADAMW
    }

    /** Coefficients of the iteration, as published: steep at 0, and near 1 for all singular values. */
    private static final double A = 3.4445;
    private static final double B = -4.7750;
    private static final double C = 2.0315;
    private static final int ITERATIONS = 5;
    private static final double LEAST_NORM = 1e-7;

    private final List<Variable> matrices;
    private final List<Variable> velocities;
    private final List<Variable> others;
    private final Moments moments;
    private double momentum = 0.95;
    private boolean nesterov = true;
    private Scale scale = Scale.ORIGINAL;

    private Muon(List<Variable> parameters, Predicate<Variable> isMatrix) {
        super(parameters, 1e-3, 0.1, 1e-8);
        this.matrices = parameters.stream().filter(isMatrix).toList();
        for (Variable matrix : matrices) {
            if (matrix.shape().rank() != 2) {
                throw new IllegalArgumentException(this + ": " + matrix + " is no matrix");
            }
        }
        this.others = parameters.stream().filter(isMatrix.negate()).toList();
        this.velocities = moments("velocity", matrices);
        this.moments = new Moments(this, others);
    }

    /**
     * All parameters of two axes are matrices. Learning rate 1e-3, weight decay 0.1, Nesterov's momentum 0.95, the
     * original scale; for the others AdamW's betas 0.9 and 0.999 and epsilon 1e-8, unless told.
     */
    public static Muon of(List<Variable> parameters) {
        return matrices(parameters, variable -> variable.shape().rank() == 2);
    }

    /** As {@link #of}; {@code isMatrix} tells which parameters of two axes are matrices. */
    public static Muon matrices(List<Variable> parameters, Predicate<Variable> isMatrix) {
        return new Muon(parameters, isMatrix);
    }

    /** Sets the momentum, in [0, 1), without Nesterov's correction. */
    public Muon momentum(double value) {
        momentum = requireInRange("momentum", value, 1);
        nesterov = false;
        return this;
    }

    /** Sets Nesterov's momentum, in [0, 1). */
    public Muon nesterov(double value) {
        momentum(value);
        nesterov = true;
        return this;
    }

    public Muon scale(Scale value) {
        scale = value;
        return this;
    }

    @Override
    Muon self() {
        return this;
    }

    @Override
    void update(List<Tensor> gradients, Update update) {
        IntStream.range(0, gradients.size()).forEach(i -> {
            Variable parameter = parametersInOrder().get(i);
            int matrix = matrices.indexOf(parameter);
            if (matrix >= 0) {
                update(parameter, velocities.get(matrix), gradients.get(i), update);
            } else {
                moments.update(others.indexOf(parameter), gradients.get(i), weightDecayOf(parameter), update);
            }
        });
    }

    private void update(Variable parameter, Variable velocity, Tensor raw, Update update) {
        Tensor gradient = raw.to(velocity.dtype());
        Tensor smooth = smoothed(velocity, gradient, momentum, update);
        Tensor mixed = nesterov ? smooth.mul(momentum).add(gradient.mul(1 - momentum)) : smooth;
        Tensor rate = rate(parameter, velocity.dtype());
        Tensor step = orthogonal(mixed).mul(rate.mul(factor(parameter.shape())));
        set(parameter, decayed(parameter, rate).sub(step), update);
    }

    private double factor(Shape shape) {
        double rows = shape.extent(0);
        double columns = shape.extent(1);
        return switch (scale) {
            case ORIGINAL -> Math.sqrt(Math.max(1, rows / columns));
            case MATCH_ADAMW -> 0.2 * Math.sqrt(Math.max(rows, columns));
        };
    }

    /**
     * The nearest matrix with orthogonal rows or columns, about: x = a x + (b x x^T + c (x x^T)^2) x, again and again.
     */
    private static Tensor orthogonal(Tensor matrix) {
        boolean tall = matrix.shape().extent(0) > matrix.shape().extent(1);
        Tensor wide = tall ? matrix.transpose() : matrix;
        Tensor x = wide.div(wide.square().sum().sqrt().maximum(LEAST_NORM));
        for (int i = 0; i < ITERATIONS; i++) {
            Tensor product = x.matmul(x.transpose());
            Tensor polynomial = product.mul(B).add(product.matmul(product).mul(C));
            x = x.mul(A).add(polynomial.matmul(x));
        }
        return tall ? x.transpose() : x;
    }
}
