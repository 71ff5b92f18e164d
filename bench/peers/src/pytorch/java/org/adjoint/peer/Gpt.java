package org.adjoint.peer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * GPT-2 in PyTorch: learned positions, layer norm before each half of a block, one projection for queries, keys and
 * values, GELU by tanh, the output layer tied to the embedding; PyTorch's own attention, cross-entropy and AdamW.
 */
final class Gpt {
    private static final double EPSILON = 1e-5;

    private record Linear(Tensor weight, Tensor bias) {
        Tensor apply(Tensor x) {
            return torch.linear(x, weight, new TensorOptional(bias));
        }
    }

    private record Norm(Tensor gamma, Tensor beta) {
        Tensor apply(Tensor x) {
            return torch.layer_norm(x, new long[] {gamma.size(0)}, new TensorOptional(gamma), new TensorOptional(beta),
                EPSILON, true);
        }
    }

    private record Block(Norm first, Linear attend, Linear project, Norm second, Linear widen, Linear narrow) { }

    private final long heads;
    private final long width;
    private final long context;
    private final long batch;
    private final long vocabulary;
    private final List<Tensor> parameters = new ArrayList<>();
    private final Tensor tokens;
    private final Tensor positions;
    private final List<Block> blocks = new ArrayList<>();
    private final Norm last;
    private final Tensor input;
    private final Tensor target;
    private final AdamW optimizer;

    Gpt(Map<String, String> asked) {
        heads = Long.parseLong(asked.get("heads"));
        width = Long.parseLong(asked.get("width"));
        context = Long.parseLong(asked.get("context"));
        batch = Long.parseLong(asked.get("batch"));
        vocabulary = Long.parseLong(asked.get("vocabulary"));
        tokens = weight(vocabulary, width);
        positions = weight(context, width);
        for (int layer = 0; layer < Integer.parseInt(asked.get("layers")); layer++) {
            blocks.add(new Block(norm(), linear(width, 3 * width), linear(width, width),
                norm(), linear(width, 4 * width), linear(4 * width, width)));
        }
        last = norm();
        TensorOptions integers = new TensorOptions(torch.ScalarType.Long);
        input = torch.randint(vocabulary, new long[] {batch, context}, integers);
        target = torch.randint(vocabulary, new long[] {batch * context}, integers);
        AdamWOptions options = new AdamWOptions(1e-4);
        options.weight_decay().put(0.1);
        optimizer = new AdamW(new TensorVector(parameters.toArray(Tensor[]::new)), options);
    }

    private Tensor weight(long... shape) {
        Tensor weight = PyTorch.weight(shape);
        parameters.add(weight);
        return weight;
    }

    private Tensor filled(Tensor value) {
        Tensor parameter = value.requires_grad_(true);
        parameters.add(parameter);
        return parameter;
    }

    private Linear linear(long in, long out) {
        return new Linear(weight(out, in), filled(torch.zeros(out)));
    }

    private Norm norm() {
        return new Norm(filled(torch.ones(width)), filled(torch.zeros(width)));
    }

    private Tensor logits() {
        Tensor x = torch.embedding(tokens, input).add(positions);
        for (Block block : blocks) {
            x = x.add(block.project.apply(attention(block.attend.apply(block.first.apply(x)))));
            Tensor inner = torch.gelu(block.widen.apply(block.second.apply(x)), "tanh");
            x = x.add(block.narrow.apply(inner));
        }
        return torch.linear(last.apply(x), tokens);
    }

    private Tensor attention(Tensor queriesKeysValues) {
        TensorVector parts = queriesKeysValues.split(width, 2);
        Tensor attended = torch.scaled_dot_product_attention(split(parts.get(0)), split(parts.get(1)),
            split(parts.get(2)), new TensorOptional(), 0, true, new DoubleOptional(), false);
        return attended.transpose(1, 2).reshape(batch, context, width);
    }

    /** (batch, context, width) -> (batch, heads, context, width / heads) */
    private Tensor split(Tensor x) {
        return x.view(batch, context, heads, width / heads).transpose(1, 2);
    }

    /** Forward, backward, update. */
    void step() {
        try (PointerScope scope = new PointerScope()) {
            optimizer.zero_grad();
            Tensor loss = torch.cross_entropy_loss(logits().view(batch * context, vocabulary), target);
            loss.backward();
            optimizer.step();
            float value = loss.item_float();
            if (!Float.isFinite(value)) {
                throw new IllegalStateException("PyTorch's loss is " + value);
            }
        }
    }
}
