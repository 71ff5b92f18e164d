package org.adjoint.peer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** One operation on {@code F32} tensors and, where asked for, the gradients of all its operands after it. */
final class Operation {
    private static final double EPSILON = 1e-5;
    private static final long KERNEL = 3;

    private final String name;
    private final long[] extents;
    private final List<Tensor> operands = new ArrayList<>();
    /** Of the operands, those that have gradients; null where none are asked for. */
    private final TensorVector sources;
    private final Tensor cotangent;

    Operation(Map<String, String> asked) {
        name = asked.get("operation");
        extents = Arrays.stream(asked.get("extents").split("x")).mapToLong(Long::parseLong).toArray();
        boolean gradient = Boolean.parseBoolean(asked.get("gradient"));
        addOperands();
        List<Tensor> floating = operands.stream().filter(operand -> operand.is_floating_point()).toList();
        Tensor result = apply();
        floating.forEach(operand -> operand.requires_grad_(gradient));
        sources = gradient ? new TensorVector(floating.toArray(Tensor[]::new)) : null;
        cotangent = torch.randn_like(result.is_floating_point() ? result : operands.getFirst());
    }

    private void addOperands() {
        switch (name) {
            case "add", "chain" -> operands.addAll(List.of(torch.randn(extents), torch.randn(extents)));
            case "exp", "gelu", "sum", "sumRows", "sumColumns", "argmaxRows", "softmax", "logSoftmax" ->
                operands.add(torch.randn(extents));
            case "layerNorm" ->
                operands.addAll(List.of(torch.randn(extents), torch.randn(extents[1]), torch.randn(extents[1])));
            case "crossEntropy" -> operands.addAll(List.of(torch.randn(extents),
                torch.randint(extents[1], new long[] {extents[0]}, new TensorOptions(torch.ScalarType.Long))));
            case "attention" ->
                operands.addAll(List.of(torch.randn(extents), torch.randn(extents), torch.randn(extents)));
            case "conv2d" -> operands.addAll(List.of(torch.randn(Arrays.copyOf(extents, 4)),
                torch.randn(extents[4], extents[1], KERNEL, KERNEL), torch.randn(extents[4])));
            case "depthwise" -> operands.addAll(List.of(torch.randn(extents),
                torch.randn(extents[1], 1, KERNEL, KERNEL), torch.randn(extents[1])));
            default -> throw new IllegalArgumentException("pytorch is not asked for " + name);
        }
    }

    private Tensor apply() {
        Tensor x = operands.getFirst();
        return switch (name) {
            case "add" -> x.add(operands.get(1));
            case "exp" -> x.exp();
            case "gelu" -> torch.gelu(x);
            case "chain" -> torch.relu(x.mul(operands.get(1)).add(new Scalar(0.5))).mul(x);
            case "sum" -> x.sum();
            case "sumRows" -> x.sum(1);
            case "sumColumns" -> x.sum(0);
            case "argmaxRows" -> x.argmax(new LongOptional(1), false);
            case "softmax" -> torch.softmax(x, 1);
            case "logSoftmax" -> torch.log_softmax(x, 1);
            case "layerNorm" -> torch.layer_norm(x, new long[] {extents[1]}, new TensorOptional(operands.get(1)),
                new TensorOptional(operands.get(2)), EPSILON, true);
            case "crossEntropy" -> torch.cross_entropy_loss(x, operands.get(1));
            case "attention" -> torch.scaled_dot_product_attention(x, operands.get(1), operands.get(2),
                new TensorOptional(), 0, true, new DoubleOptional(), false);
            case "conv2d" -> torch.conv2d(x, operands.get(1), new TensorOptional(operands.get(2)), new long[] {1, 1},
                new long[] {1, 1}, new long[] {1, 1}, 1);
            case "depthwise" -> torch.conv2d(x, operands.get(1), new TensorOptional(operands.get(2)),
                new long[] {1, 1}, new long[] {1, 1}, new long[] {1, 1}, extents[1]);
            default -> throw new IllegalArgumentException("pytorch is not asked for " + name);
        };
    }

    void run() {
        try (PointerScope scope = new PointerScope()) {
            Tensor result = apply();
            if (sources != null) {
                torch.grad(new TensorVector(result), sources, new TensorVector(cotangent), new BoolOptional(false),
                    false,
                    false);
            }
        }
    }
}
