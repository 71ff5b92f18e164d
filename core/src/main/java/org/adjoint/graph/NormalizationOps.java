package org.adjoint.graph;

import static org.adjoint.graph.Ops.*;

import java.util.Arrays;

/**
 * Normalizations. 16-bit tensors are computed in {@code F32} and rounded once. Scales gamma and shifts beta may be
 * null, for ones and zeros.
 *
 * <p>All methods throw {@link IllegalArgumentException} for operands that do not fit.
 */
public final class NormalizationOps {
    private NormalizationOps() { }

    // Along trailing axes

    /** See {@link FusedOp.LayerNorm}: over the last axes of x, as many as gamma has, whose shape is theirs. */
    public static Node layerNorm(Node x, Node gamma, Node beta, double epsilon) {
        requireTrailing("layerNorm", "gamma", x, gamma);
        if (beta != null && !beta.type().equals(gamma.type())) {
            throw error("layerNorm: beta %s must be as gamma, %s", beta.type(), gamma.type());
        }
        return layerNorm(x, gamma, beta, gamma.shape().rank(), epsilon);
    }

    /** Over the last {@code axes} axes, neither scaled nor shifted. */
    public static Node layerNorm(Node x, int axes, double epsilon) {
        requireAxes("layerNorm", x, axes);
        return layerNorm(x, null, null, axes, epsilon);
    }

    private static Node layerNorm(Node x, Node gamma, Node beta, int axes, double epsilon) {
        requireEpsilon("layerNorm", epsilon);
        Node rows = rows(x, axes);
        Node scale = vector(gamma, rows, 1);
        Node shift = beta == null ? fullLike(scale, 0) : vector(beta, rows, 0);
        return reshape(fused(new FusedOp.LayerNorm(epsilon), rows, scale, shift).output(0), x.shape());
    }

    /** See {@link FusedOp.RmsNorm}: over the last axes of x, as many as gamma has, whose shape is theirs. */
    public static Node rmsNorm(Node x, Node gamma, double epsilon) {
        requireTrailing("rmsNorm", "gamma", x, gamma);
        return rmsNorm(x, gamma, gamma.shape().rank(), epsilon);
    }

    /** Over the last {@code axes} axes, not scaled. */
    public static Node rmsNorm(Node x, int axes, double epsilon) {
        requireAxes("rmsNorm", x, axes);
        return rmsNorm(x, null, axes, epsilon);
    }

    private static Node rmsNorm(Node x, Node gamma, int axes, double epsilon) {
        requireEpsilon("rmsNorm", epsilon);
        Node rows = rows(x, axes);
        return reshape(fused(new FusedOp.RmsNorm(epsilon), rows, vector(gamma, rows, 1)).output(0), x.shape());
    }

    private static void requireTrailing(String op, String what, Node x, Node parameter) {
        requireFloating(op, x.dtype());
        requireFloating(op, parameter.dtype());
        int first = x.shape().rank() - parameter.shape().rank();
        boolean fits = first >= 0 && parameter.shape().rank() > 0 && !parameter.shape().isEmpty();
        for (int i = 0; fits && i < parameter.shape().rank(); i++) {
            fits = parameter.shape().extent(i) == x.shape().extent(first + i);
        }
        if (!fits) {
            throw error("%s: %s %s must have the shape of the last axes of x %s, not empty", op, what,
                parameter.shape(), x.shape());
        }
    }

    private static void requireAxes(String op, Node x, int axes) {
        requireFloating(op, x.dtype());
        if (axes < 1 || axes > x.shape().rank() || width(x, axes) == 0) {
            throw error("%s: x %s has no %d last axes that are not empty", op, x.shape(), axes);
        }
    }

    private static void requireEpsilon(String op, double epsilon) {
        if (!(epsilon >= 0)) {
            throw error("%s: epsilon must not be negative but is %s", op, epsilon);
        }
    }

    private static long width(Node x, int axes) {
        long width = 1;
        for (int i = 1; i <= axes; i++) {
            width *= x.shape().extent(x.shape().rank() - i);
        }
        return width;
    }

    /** (lead..., trailing...) -> (lead..., width) */
    private static Node rows(Node x, int axes) {
        long[] extents = Arrays.copyOf(x.shape().toArray(), x.shape().rank() - axes + 1);
        extents[extents.length - 1] = width(x, axes);
        return reshape(x, Shape.of(extents));
    }

    private static Node vector(Node parameter, Node rows, double otherwise) {
        Shape width = Shape.of(rows.shape().extent(rows.shape().rank() - 1));
        return parameter == null ? full(rows.dtype(), width, otherwise) : reshape(parameter, width);
    }

    // Of channels: x (n, channels, ...)

    /**
     * What training with {@link #batchNorm} needs: results 1 and 2 are the mean and the biased variance of each
     * channel, {@code (channels)}, in the dtype that x is computed in.
     */
    public static Node[] batchNorm(Node x, Node gamma, Node beta, double epsilon) {
        requireChannels("batchNorm", x);
        requireEpsilon("batchNorm", epsilon);
        long channels = x.shape().extent(1);
        if (x.shape().elements() <= channels && !x.shape().isEmpty()) {
            throw error("batchNorm: x %s has one value per channel, which has no variance: train on larger batches",
                x.shape());
        }
        if (x.shape().isEmpty()) {
            throw error("batchNorm: there is nothing to normalize in x %s", x.shape());
        }
        int[] axes = new int[x.shape().rank() - 1];
        Arrays.setAll(axes, i -> i == 0 ? 0 : i + 1);
        Node standard = fused(new Standardize(Op.ints(axes), epsilon), x);
        Shape vector = Shape.of(channels);
        return new Node[] {affine("batchNorm", standard.output(0), gamma, beta, x.dtype()),
            reshape(standard.output(1), vector), reshape(standard.output(2), vector)};
    }

    /** {@code (x - mean) / sqrt(variance + epsilon) gamma + beta} with statistics {@code (channels)} that are given. */
    public static Node batchNorm(Node x, Node mean, Node variance, Node gamma, Node beta, double epsilon) {
        requireChannels("batchNorm", x);
        requireEpsilon("batchNorm", epsilon);
        Node wide = widen(x);
        Node centered = sub(wide, channels("batchNorm", "mean", mean, wide));
        Node rstd = reciprocal(sqrt(add(channels("batchNorm", "variance", variance, wide), epsilon)));
        return affine("batchNorm", mul(centered, rstd), gamma, beta, x.dtype());
    }

    /** Over each of {@code groups} groups of neighboring channels of each sample (Wu and He, 2018). */
    public static Node groupNorm(Node x, int groups, Node gamma, Node beta, double epsilon) {
        requireChannels("groupNorm", x);
        requireEpsilon("groupNorm", epsilon);
        long samples = x.shape().extent(0);
        long channels = x.shape().extent(1);
        if (groups < 1 || channels % groups != 0) {
            throw error("groupNorm: %d channels of x %s do not divide into %d groups", channels, x.shape(), groups);
        }
        long width = channels / groups * width(x, x.shape().rank() - 2);
        if (width == 0) {
            throw error("groupNorm: there is nothing to normalize in x %s", x.shape());
        }
        Node rows = reshape(x, Shape.of(samples, groups, width));
        Node standard = fused(new Standardize(Op.ints(2), epsilon), rows).output(0);
        return affine("groupNorm", reshape(standard, x.shape()), gamma, beta, x.dtype());
    }

    /** Over each channel of each sample (Ulyanov et al., "Instance normalization", 2016). */
    public static Node instanceNorm(Node x, Node gamma, Node beta, double epsilon) {
        requireChannels("instanceNorm", x);
        requireEpsilon("instanceNorm", epsilon);
        int rank = x.shape().rank();
        if (rank < 3 || width(x, rank - 2) < 2) {
            throw error("instanceNorm: x %s must be (n, channels, ...) with more than one value per channel",
                x.shape());
        }
        int[] axes = new int[rank - 2];
        Arrays.setAll(axes, i -> i + 2);
        Node standard = fused(new Standardize(Op.ints(axes), epsilon), x).output(0);
        return affine("instanceNorm", standard, gamma, beta, x.dtype());
    }

    private static void requireChannels(String op, Node x) {
        requireFloating(op, x.dtype());
        if (x.shape().rank() < 2) {
            throw error("%s: x must be (n, channels, ...) but is %s", op, x.shape());
        }
    }

    /** Scales and shifts each channel. */
    private static Node affine(String op, Node x, Node gamma, Node beta, DType result) {
        Node scaled = gamma == null ? x : mul(x, channels(op, "gamma", gamma, x));
        return cast(beta == null ? scaled : add(scaled, channels(op, "beta", beta, x)), result);
    }

    /** {@code (channels) -> (channels, 1...)}, in the dtype of x. */
    private static Node channels(String op, String what, Node vector, Node x) {
        requireFloating(op, vector.dtype());
        if (!vector.shape().equals(Shape.of(x.shape().extent(1)))) {
            throw error("%s: %s %s must be a vector of %d, one for each channel of x %s", op, what, vector.shape(),
                x.shape().extent(1), x.shape());
        }
        long[] extents = new long[x.shape().rank() - 1];
        Arrays.fill(extents, 1);
        extents[0] = x.shape().extent(1);
        return cast(reshape(vector, Shape.of(extents)), x.dtype());
    }

    /**
     * {@code x / (k + alpha / size * sum of squares)^beta} with the sum over {@code size} neighboring channels, of
     * which there are {@code size / 2} in front (Krizhevsky et al., 2012), as PyTorch's {@code local_response_norm}.
     */
    public static Node localResponseNorm(Node x, int size, double alpha, double beta, double k) {
        requireChannels("localResponseNorm", x);
        if (size < 1) {
            throw error("localResponseNorm: the size must be positive but is %d", size);
        }
        Node wide = widen(x);
        Node squares = mul(wide, wide);
        long channels = x.shape().extent(1);
        // Farther than all channels there is nothing to add.
        long front = Math.min(size / 2, channels);
        long behind = Math.min(size - 1 - size / 2, channels);
        long[] low = new long[x.shape().rank()];
        low[1] = front;
        Node padded = pad(squares, low, new long[low.length], x.shape().with(1, front + channels + behind),
            zeroOf(squares.dtype()));
        Node sum = slice(padded, 1, 0, channels);
        for (long i = 1; i <= front + behind; i++) {
            sum = add(sum, slice(padded, 1, i, i + channels));
        }
        Node divisor = pow(add(mul(sum, alpha / size), k), scalar(sum, beta));
        return cast(div(wide, divisor), x.dtype());
    }

    // To unit length

    /**
     * {@code x / max(|x|, epsilon)} along an axis, with the p-norm, p at least 1 or infinite, as PyTorch's
     * {@code normalize}.
     */
    public static Node normalize(Node x, double p, int axis, double epsilon) {
        requireFloating("normalize", x.dtype());
        int resolved = x.shape().axis("normalize", axis);
        if (!(p >= 1)) {
            throw error("normalize: p must be at least 1 but is %s", p);
        }
        if (!(epsilon > 0)) {
            throw error("normalize: epsilon must be positive but is %s", epsilon);
        }
        if (x.shape().isEmpty()) {
            return x;
        }
        Node wide = widen(x);
        Node length;
        if (p == 2) {
            // The square root's derivative is infinite at 0, so it is the square that is bounded.
            Node squares = reduce(ReduceOp.SUM, mul(wide, wide), true, resolved);
            length = sqrt(max(squares, scalar(squares, epsilon * epsilon)));
        } else if (p == 1) {
            length = bounded(reduce(ReduceOp.SUM, abs(wide), true, resolved), epsilon);
        } else if (Double.isInfinite(p)) {
            length = bounded(reduce(ReduceOp.MAX, abs(wide), true, resolved), epsilon);
        } else {
            Node powers = reduce(ReduceOp.SUM, pow(abs(wide), scalar(wide, p)), true, resolved);
            Node least = bounded(powers, StrictMath.pow(epsilon, p));
            length = pow(least, scalar(least, 1 / p));
        }
        return cast(div(wide, length), x.dtype());
    }

    private static Node bounded(Node length, double least) {
        return max(length, scalar(length, least));
    }
}
