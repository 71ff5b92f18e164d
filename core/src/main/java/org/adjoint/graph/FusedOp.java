package org.adjoint.graph;

import static org.adjoint.graph.IndexingOps.gather;
import static org.adjoint.graph.Ops.*;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Operations that backends have kernels for because the kernel was measured to beat the composition. The decomposition
 * is the specification: kernels perform the same operations in the same order where they can.
 */
public final class FusedOp {
    private FusedOp() { }

    /** Statistics of 16-bit tensors are kept in {@code F32}. */
    private static DType statistics(TensorType x) {
        return x.dtype().computeType();
    }

    private static Shape rows(TensorType x) {
        return x.shape().without(x.shape().rank() - 1);
    }

    /** {@code exp(x - max(x)) / sum(exp(x - max(x)))} along the last axis. */
    public record Softmax() implements Op.Fused {
        @Override
        public String name() {
            return "softmax";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return results(fused(this, inputs.getFirst()));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Node e = exp(sub(x, stopGradient(maxKeep(x))));
            return new Node[] {cast(mul(e, reciprocal(sumKeep(e))), inputs.getFirst().dtype())};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {fused(new SoftmaxGradient(), node, cotangents[0])};
        }
    }

    /** Inputs: the result y of {@link Softmax}, and dy. Result: {@code dx = y (dy - sum(y dy))}. */
    public record SoftmaxGradient() implements Op.Fused {
        @Override
        public String name() {
            return "softmaxGradient";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(this, inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node y = widen(inputs.get(0));
            Node dy = widen(inputs.get(1));
            return new Node[] {cast(mul(y, sub(dy, sumKeep(mul(y, dy)))), inputs.getFirst().dtype())};
        }
    }

    /** {@code x - max(x) - log(sum(exp(x - max(x))))} along the last axis. */
    public record LogSoftmax() implements Op.Fused {
        @Override
        public String name() {
            return "logSoftmax";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return results(fused(this, inputs.getFirst()));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Node shifted = sub(x, stopGradient(maxKeep(x)));
            return new Node[] {cast(sub(shifted, log(sumKeep(exp(shifted)))), inputs.getFirst().dtype())};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            return new Node[] {fused(new LogSoftmaxGradient(), node, cotangents[0])};
        }
    }

    /** Inputs: the result y of {@link LogSoftmax}, and dy. Result: {@code dx = dy - exp(y) sum(dy)}. */
    public record LogSoftmaxGradient() implements Op.Fused {
        @Override
        public String name() {
            return "logSoftmaxGradient";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst());
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(this, inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node y = widen(inputs.get(0));
            Node dy = widen(inputs.get(1));
            return new Node[] {cast(sub(dy, mul(exp(y), sumKeep(dy))), inputs.getFirst().dtype())};
        }
    }

    /**
     * Inputs: logits {@code (n, classes)}, targets {@code (n)}, {@code I32} or {@code I64}, in [0, classes). Results,
     * {@code (n)} each: the negative log-likelihood of the target; and as of {@link Attention}'s scores the largest
     * logit, whose derivative counts as 0, and the sum of exponentials of the logits less that.
     */
    public record CrossEntropy() implements Op.Fused {
        @Override
        public String name() {
            return "crossEntropy";
        }

        @Override
        public Op.Indices indices() {
            return new Op.Indices(1, 1);
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType row = new TensorType(statistics(inputs.getFirst()), rows(inputs.getFirst()));
            return List.of(row, row, row);
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            Node logits = inputs.get(0);
            Node targets = inputs.get(1);
            long n = logits.shape().extent(logits.shape().rank() - 2);
            long classes = logits.shape().extent(logits.shape().rank() - 1);
            Node allLogits = reshape(broadcastTo(logits, Shape.of(extent, n, classes)), Shape.of(extent * n, classes));
            Node allTargets = reshape(broadcastTo(targets, Shape.of(extent, n)), Shape.of(extent * n));
            return results(fused(this, allLogits, allTargets)).stream()
                .map(row -> reshape(row, Shape.of(extent, n))).toList();
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Node targets = inputs.get(1);
            Shape rows = targets.shape();
            Node max = stopGradient(maxKeep(x));
            Node sum = sumKeep(exp(sub(x, max)));
            Node picked = gather(x, 1, reshape(targets, Shape.of(rows.extent(0), 1)));
            // Neither term is negative: the loss of large logits is as exact as that of small ones.
            Node loss = add(log(sum), sub(max, picked));
            return new Node[] {reshape(loss, rows), reshape(max, rows), reshape(sum, rows)};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            Node x = node.input(0);
            Node targets = node.input(1);
            long n = x.shape().extent(0);
            Shape column = Shape.of(n, 1);
            Node loss = cotangents[0] == null ? zerosLike(node.output(0)) : cotangents[0];
            Node perSum = mul(loss, reciprocal(node.output(2)));
            Node factor = cotangents[2] == null ? perSum : add(perSum, cotangents[2]);
            Node e = exp(sub(widen(x), reshape(node.output(1), column)));
            Node hit = equal(reshape(targets, column), iota(targets.dtype(), x.shape().extent(1)));
            // d logits = e (d loss / sum + d sum) - onehot d loss
            Node dense = mul(e, reshape(factor, column));
            Node dx = where(hit, sub(dense, reshape(loss, column)), dense);
            return new Node[] {cast(dx, x.dtype()), null};
        }
    }

    /**
     * {@code (x - mean) * rstd * gamma + beta} along the last axis, with {@code rstd = 1 / sqrt(variance + epsilon)}
     * and the biased variance (Ba et al., "Layer normalization", 2016). Inputs: x {@code (..., c)}, gamma {@code (c)},
     * beta {@code (c)}. Results: y, mean {@code (...)}, rstd {@code (...)}.
     */
    public record LayerNorm(double epsilon) implements Op.Fused {
        @Override
        public String name() {
            return "layerNorm";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType row = new TensorType(statistics(inputs.getFirst()), rows(inputs.getFirst()));
            return List.of(inputs.getFirst(), row, row);
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return mapped[1] || mapped[2] ? null : results(fused(this, inputs.toArray(Node[]::new)));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Shape rows = rows(inputs.getFirst().type());
            double scale = 1.0 / x.shape().extent(x.shape().rank() - 1);
            Node about = stopGradient(mul(sumKeep(x), scale));
            // What the first sum rounds off, the reciprocal deviation would enlarge where a row hardly varies.
            Node mean = add(about, mul(sumKeep(sub(x, about)), scale));
            Node centered = sub(x, mean);
            Node variance = mul(sumKeep(mul(centered, centered)), scale);
            Node rstd = reciprocal(sqrt(add(variance, epsilon)));
            Node y = add(mul(mul(centered, rstd), widen(inputs.get(1))), widen(inputs.get(2)));
            return new Node[] {cast(y, inputs.getFirst().dtype()), reshape(mean, rows), reshape(rstd, rows)};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            if (cotangents[0] == null || cotangents[1] != null || cotangents[2] != null) {
                return null;
            }
            Node gradient = fused(new LayerNormGradient(), node.input(0), node.input(1), node.output(1),
                node.output(2), cotangents[0]);
            return new Node[] {gradient.output(0), gradient.output(1), gradient.output(2)};
        }
    }

    /** Inputs: x, gamma, mean, rstd of {@link LayerNorm}, and dy. Results: dx, dgamma, dbeta. */
    public record LayerNormGradient() implements Op.Fused {
        @Override
        public String name() {
            return "layerNormGradient";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return List.of(inputs.getFirst(), inputs.get(1), inputs.get(1));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Node gamma = inputs.get(1);
            Shape column = inputs.get(2).shape().withTrailingOne();
            Node rstd = reshape(inputs.get(3), column);
            Node dy = widen(inputs.get(4));
            double scale = 1.0 / x.shape().extent(x.shape().rank() - 1);
            Node normalized = mul(sub(x, reshape(inputs.get(2), column)), rstd);
            Node scaled = mul(dy, widen(gamma));
            Node mean = mul(sumKeep(scaled), scale);
            Node slope = mul(sumKeep(mul(scaled, normalized)), scale);
            // dx = rstd (g - mean(g) - n mean(g n)), g = dy gamma, n = (x - mean) rstd
            Node dx = mul(rstd, sub(sub(scaled, mean), mul(normalized, slope)));
            int[] rowAxes = axesUpTo(x.shape().rank() - 1);
            Node dgamma = reduce(ReduceOp.SUM, mul(dy, normalized), Op.ints(rowAxes));
            Node dbeta = reduce(ReduceOp.SUM, dy, Op.ints(rowAxes));
            return new Node[] {
                cast(dx, inputs.getFirst().dtype()), cast(dgamma, gamma.dtype()), cast(dbeta, gamma.dtype())};
        }
    }

    /**
     * {@code x * rstd * gamma} along the last axis, with {@code rstd = 1 / sqrt(mean(x^2) + epsilon)} (Zhang and
     * Sennrich, "Root mean square layer normalization", 2019). Inputs: x {@code (..., c)}, gamma {@code (c)}. Results:
     * y, rstd {@code (...)}.
     */
    public record RmsNorm(double epsilon) implements Op.Fused {
        @Override
        public String name() {
            return "rmsNorm";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType x = inputs.getFirst();
            return List.of(x, new TensorType(statistics(x), rows(x)));
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return mapped[1] ? null : results(fused(this, inputs.toArray(Node[]::new)));
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            double scale = 1.0 / x.shape().extent(x.shape().rank() - 1);
            Node rstd = reciprocal(sqrt(add(mul(sumKeep(mul(x, x)), scale), epsilon)));
            Node y = mul(mul(x, rstd), widen(inputs.get(1)));
            return new Node[] {
                cast(y, inputs.getFirst().dtype()), reshape(rstd, rows(inputs.getFirst().type()))};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            if (cotangents[0] == null || cotangents[1] != null) {
                return null;
            }
            Node gradient =
                fused(new RmsNormGradient(), node.input(0), node.input(1), node.output(1), cotangents[0]);
            return new Node[] {gradient.output(0), gradient.output(1)};
        }
    }

    /** Inputs: x, gamma, rstd of {@link RmsNorm}, and dy. Results: dx, dgamma. */
    public record RmsNormGradient() implements Op.Fused {
        @Override
        public String name() {
            return "rmsNormGradient";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return inputs.subList(0, 2);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node x = widen(inputs.getFirst());
            Node gamma = inputs.get(1);
            Node rstd = reshape(inputs.get(2), inputs.get(2).shape().withTrailingOne());
            Node dy = widen(inputs.get(3));
            double scale = 1.0 / x.shape().extent(x.shape().rank() - 1);
            Node normalized = mul(x, rstd);
            Node scaled = mul(dy, widen(gamma));
            Node slope = mul(sumKeep(mul(scaled, normalized)), scale);
            // dx = rstd (g - n mean(g n)), g = dy gamma, n = x rstd
            Node dx = mul(rstd, sub(scaled, mul(normalized, slope)));
            Node dgamma = reduce(ReduceOp.SUM, mul(dy, normalized), Op.ints(axesUpTo(x.shape().rank() - 1)));
            return new Node[] {cast(dx, inputs.getFirst().dtype()), cast(dgamma, gamma.dtype())};
        }
    }

    /**
     * {@code softmax(scale q k^T + bias) v}, never holding the t x s matrix (Dao et al., "FlashAttention", 2022).
     * Inputs: q {@code (batch..., t, d)}, k {@code (batch..., s, d)}, v {@code (batch..., s, e)} and, with
     * {@code biased}, bias {@code (batch..., t, s)}. {@code causal}: query i sees the keys 0 to i alone. Results: the
     * output {@code (batch..., t, e)} and, of each row of scores {@code (batch..., t)}, the maximum, whose derivative
     * counts as 0, and the sum of exponentials of the scores less that maximum. A row that sees no key (all bias
     * -infinity) is NaN.
     *
     * <p>The two are not kept as one logarithm: it would be rounded as the scores are, and where these are some
     * hundreds, so would be all weights that the gradient computes from it.
     */
    public record Attention(double scale, boolean causal, boolean biased) implements Op.Fused {
        @Override
        public String name() {
            return "attention";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            TensorType q = inputs.getFirst();
            Shape v = inputs.get(2).shape();
            TensorType row = new TensorType(statistics(q), rows(q));
            Shape out = q.shape().with(q.shape().rank() - 1, v.extent(v.rank() - 1));
            return List.of(new TensorType(q.dtype(), out), row, row);
        }

        /** {@code scale q k^T + bias}, -infinity where causality hides a key. */
        Node scores(List<Node> inputs) {
            Node scores = mul(matmul(widen(inputs.getFirst()), transpose(widen(inputs.get(1)))), scale);
            if (biased) {
                scores = add(scores, widen(inputs.get(3)));
            }
            if (causal) {
                int rank = scores.shape().rank();
                Node query = reshape(iota(DType.I32, scores.shape().extent(rank - 2)),
                    Shape.of(scores.shape().extent(rank - 2), 1));
                Node hidden = greaterThan(iota(DType.I32, scores.shape().extent(rank - 1)), query);
                scores = where(hidden, fullLike(scores, Double.NEGATIVE_INFINITY), scores);
            }
            return scores;
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(this, inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node scores = scores(inputs);
            Node max = stopGradient(maxKeep(scores));
            Node e = exp(sub(scores, max));
            Node sum = sumKeep(e);
            Node out = mul(matmul(e, widen(inputs.get(2))), reciprocal(sum));
            Shape rows = rows(inputs.getFirst().type());
            return new Node[] {cast(out, inputs.getFirst().dtype()), reshape(max, rows), reshape(sum, rows)};
        }

        @Override
        public Node[] gradient(Node node, Node[] cotangents) {
            if (cotangents[0] == null || cotangents[1] != null || cotangents[2] != null) {
                return null;
            }
            Node[] inputs = new Node[node.inputs().size() + 4];
            node.inputs().toArray(inputs);
            for (int i = 0; i < 3; i++) {
                inputs[inputs.length - 4 + i] = node.output(i);
            }
            inputs[inputs.length - 1] = cotangents[0];
            AttentionGradient op = new AttentionGradient(scale, causal, biased);
            Node gradient = fused(op, inputs);
            Node[] result = new Node[node.inputs().size()];
            for (int i = 0; i < 3; i++) {
                result[i] = gradient.output(i);
            }
            if (biased) {
                // Holds the t x s matrix; computed only where somebody asks for the gradient of the bias. Its weights
                // are made of scores alone: a kernel's statistics are those of scores that it may round otherwise.
                Node weights = fused(new Softmax(), scores(node.inputs()));
                result[3] = cast(AttentionGradient.ofScores(weights, cotangents[0], inputs[2]), inputs[3].dtype());
            }
            return result;
        }
    }

    /**
     * Inputs: those of {@link Attention}, its three results, and the cotangent of the first. Results: dq, dk, dv. The
     * output is there for kernels, to which {@code sum(dout out)} comes cheaper than {@code sum(p dp)}, the same.
     */
    public record AttentionGradient(double scale, boolean causal, boolean biased) implements Op.Fused {
        @Override
        public String name() {
            return "attentionGradient";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            return inputs.subList(0, 3);
        }

        private Node probabilities(List<Node> inputs) {
            Node scores = new Attention(scale, causal, biased).scores(inputs);
            Node max = inputs.get(inputs.size() - 3);
            Node sum = inputs.get(inputs.size() - 2);
            Shape column = max.shape().withTrailingOne();
            return mul(exp(sub(scores, reshape(max, column))), reciprocal(reshape(sum, column)));
        }

        /** {@code p (dp - sum(p dp))} with {@code dp = dout v^T}: the gradient of scores + bias. */
        static Node ofScores(Node probabilities, Node dout, Node v) {
            Node dp = matmul(widen(dout), transpose(widen(v)));
            return mul(probabilities, sub(dp, sumKeep(mul(probabilities, dp))));
        }

        @Override
        public List<Node> batched(List<Node> inputs, boolean[] mapped, long extent) {
            return alongLeadingAxes(this, inputs, mapped, extent);
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            Node q = widen(inputs.get(0));
            Node k = widen(inputs.get(1));
            Node probabilities = probabilities(inputs);
            Node ds = mul(ofScores(probabilities, inputs.getLast(), inputs.get(2)), scale);
            Node dq = matmul(ds, k);
            Node dk = matmul(transpose(ds), q);
            Node dv = matmul(transpose(probabilities), widen(inputs.getLast()));
            return new Node[] {cast(dq, inputs.get(0).dtype()), cast(dk, inputs.get(1).dtype()),
                cast(dv, inputs.get(2).dtype())};
        }
    }

    /**
     * One step of AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2). Inputs:
     * parameter, first moment, second moment, gradient (all of one shape), and the scalars learningRate,
     * {@code correction1 = 1 / (1 - beta1^t)}, {@code correction2 = 1 / (1 - beta2^t)}. Results: the new parameter and
     * moments, which may overwrite the old ones. Computed in the moments' dtype.
     *
     * <p>An eighth input, in the moments' dtype, is the parameter with the bits that its own dtype has no room for
     * (Micikevicius et al., "Mixed precision training", 2018); a fourth result is what becomes of it. An element that
     * does not round to the parameter's, which was assigned since, starts anew from that.
     */
    public record AdamWUpdate(double beta1, double beta2, double epsilon, double weightDecay) implements Op.Fused {
        private static final int MASTER = 7;

        @Override
        public String name() {
            return "adamWUpdate";
        }

        @Override
        public List<TensorType> infer(List<TensorType> inputs) {
            List<TensorType> results = new ArrayList<>(inputs.subList(0, 3));
            results.addAll(inputs.subList(MASTER, inputs.size()));
            return results;
        }

        @Override
        public int inPlace(int index) {
            return index < 3 ? index : MASTER;
        }

        @Override
        public Node[] decompose(List<Node> inputs) {
            DType compute = inputs.get(1).dtype();
            Node parameter = cast(inputs.getFirst(), compute);
            if (inputs.size() > MASTER) {
                Node master = inputs.get(MASTER);
                Node isCurrent = equal(cast(master, inputs.getFirst().dtype()), inputs.getFirst());
                parameter = where(isCurrent, master, parameter);
            }
            Node gradient = cast(inputs.get(3), compute);
            Node learningRate = cast(inputs.get(4), compute);
            Node first = add(mul(inputs.get(1), beta1), mul(gradient, 1 - beta1));
            Node second = add(mul(inputs.get(2), beta2), mul(mul(gradient, gradient), 1 - beta2));
            Node denominator = add(sqrt(mul(second, cast(inputs.get(6), compute))), epsilon);
            Node step = div(mul(first, cast(inputs.get(5), compute)), denominator);
            Node decayed = weightDecay == 0 ? parameter : mul(parameter, sub(1, mul(learningRate, weightDecay)));
            Node updated = sub(decayed, mul(learningRate, step));
            Node rounded = cast(updated, inputs.getFirst().dtype());
            return inputs.size() > MASTER ? new Node[] {rounded, first, second, updated}
                : new Node[] {rounded, first, second};
        }
    }

    private static int[] axesUpTo(int end) {
        int[] axes = new int[end];
        Arrays.setAll(axes, i -> i);
        return axes;
    }
}
