package org.adjoint.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.adjoint.Device;
import org.adjoint.Functions;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.graph.Shape;
import org.adjoint.nn.Activation;
import org.adjoint.nn.Dropout;
import org.adjoint.nn.Embedding;
import org.adjoint.nn.Initializer;
import org.adjoint.nn.KeyValueCache;
import org.adjoint.nn.LayerNorm;
import org.adjoint.nn.Linear;
import org.adjoint.nn.Module;
import org.adjoint.nn.MultiHeadAttention;

/**
 * A decoder-only transformer with GPT-2's architecture (Radford et al., "Language models are unsupervised multitask
 * learners", 2019): learned positions, layer norms in front of attention and feed-forward network, GELU's tanh
 * approximation, and an output projection that is the token embedding again. Dropout is on the embeddings and on what
 * each half of a block adds, not on attention's probabilities.
 */
public final class GPT extends Module<GPT> {
    private static final double STANDARD_DEVIATION = 0.02;

    /**
     * The sizes of a model.
     *
     * @param vocabulary how many tokens there are
     * @param context the longest sequence
     * @param dropout probability, in [0, 1)
     * @param dtype of the parameters, floating
     */
    public record Config(int vocabulary, int context, int layers, int heads, int width, double dropout, DType dtype) {
        public Config {
            if (vocabulary < 1 || context < 1 || layers < 1 || heads < 1 || width < 1) {
                throw new IllegalArgumentException("GPT: vocabulary " + vocabulary + ", context " + context
                    + ", layers " + layers + ", heads " + heads + " and width " + width + " must all be positive");
            }
            if (width % heads != 0) {
                throw new IllegalArgumentException(
                    "GPT: a width of " + width + " does not divide into " + heads + " heads");
            }
            if (!(dropout >= 0 && dropout < 1)) {
                throw new IllegalArgumentException("GPT: the dropout must be in [0, 1) but is " + dropout);
            }
            if (!dtype.isFloating()) {
                throw new IllegalArgumentException("GPT: the dtype must be floating but is " + dtype.text());
            }
        }

        /** Without dropout, in {@code F32}. */
        public Config(int vocabulary, int context, int layers, int heads, int width) {
            this(vocabulary, context, layers, heads, width, 0, DType.F32);
        }

        /** GPT-2 with 124 million parameters. */
        public static Config gpt2() {
            return new Config(50_257, 1_024, 12, 12, 768);
        }

        public Config withDropout(double probability) {
            return new Config(vocabulary, context, layers, heads, width, probability, dtype);
        }

        public Config withDType(DType type) {
            return new Config(vocabulary, context, layers, heads, width, dropout, type);
        }

        /** As strings by name, for a checkpoint's metadata. */
        public Map<String, String> toMetadata() {
            Map<String, String> metadata = new LinkedHashMap<>();
            metadata.put("gpt.vocabulary", Integer.toString(vocabulary));
            metadata.put("gpt.context", Integer.toString(context));
            metadata.put("gpt.layers", Integer.toString(layers));
            metadata.put("gpt.heads", Integer.toString(heads));
            metadata.put("gpt.width", Integer.toString(width));
            metadata.put("gpt.dropout", Double.toString(dropout));
            metadata.put("gpt.dtype", dtype.text());
            return metadata;
        }

        /** @throws IllegalArgumentException if something is missing or no number */
        public static Config ofMetadata(Map<String, String> metadata) {
            return new Config(integer(metadata, "gpt.vocabulary"), integer(metadata, "gpt.context"),
                integer(metadata, "gpt.layers"), integer(metadata, "gpt.heads"), integer(metadata, "gpt.width"),
                Double.parseDouble(text(metadata, "gpt.dropout")), DType.parse(text(metadata, "gpt.dtype")));
        }

        private static int integer(Map<String, String> metadata, String name) {
            return Integer.parseInt(text(metadata, name));
        }

        private static String text(Map<String, String> metadata, String name) {
            String text = metadata.get(name);
            if (text == null) {
                throw new IllegalArgumentException(
                    "GPT: the metadata lacks '" + name + "': it does not describe a GPT");
            }
            return text;
        }
    }

    /** Attention and feed-forward network, each added to what goes in. */
    private static final class Block extends Module<Block> {
        private final LayerNorm norm1;
        private final MultiHeadAttention attention;
        private final LayerNorm norm2;
        private final Linear expand;
        private final Linear contract;
        private final Dropout dropout;

        Block(Config config) {
            long width = config.width;
            Initializer weights = Initializer.normal(0, STANDARD_DEVIATION);
            // Each layer adds twice to the residual stream, whose variance is not to grow with the depth.
            Initializer residual = Initializer.normal(0, STANDARD_DEVIATION / Math.sqrt(2.0 * config.layers));
            norm1 = child("norm1", LayerNorm.of(width));
            attention = child("attention", MultiHeadAttention.causal(width, config.heads,
                Linear.of(width, 3 * width, weights, Initializer.ZEROS),
                Linear.of(width, width, residual, Initializer.ZEROS)));
            norm2 = child("norm2", LayerNorm.of(width));
            expand = child("mlp.expand", Linear.of(width, 4 * width, weights, Initializer.ZEROS));
            contract = child("mlp.contract", Linear.of(4 * width, width, residual, Initializer.ZEROS));
            dropout = child("dropout", Dropout.of(config.dropout));
        }

        /** x and the result: (batch, t, width); without a cache, causal attention among the t tokens alone. */
        Tensor forward(Tensor x, KeyValueCache cache, Tensor position) {
            Tensor normed = norm1.forward(x);
            Tensor attended = cache == null ? attention.forward(normed) : attention.forward(normed, cache, position);
            Tensor middle = x.add(dropout.forward(attended));
            Tensor hidden = Activation.GELU_TANH.forward(expand.forward(norm2.forward(middle)));
            return middle.add(dropout.forward(contract.forward(hidden)));
        }
    }

    private final Config config;
    private final Embedding tokenEmbedding;
    private final Embedding positionEmbedding;
    private final Dropout dropout;
    private final List<Block> blocks = new ArrayList<>();
    private final LayerNorm norm;
    private boolean checkpointed;

    private GPT(Config config) {
        this.config = config;
        Initializer weights = Initializer.normal(0, STANDARD_DEVIATION);
        tokenEmbedding = child("tokenEmbedding", Embedding.of(config.vocabulary, config.width, weights));
        positionEmbedding = child("positionEmbedding", Embedding.of(config.context, config.width, weights));
        dropout = child("dropout", Dropout.of(config.dropout));
        for (int i = 0; i < config.layers; i++) {
            blocks.add(child("blocks." + i, new Block(config)));
        }
        norm = child("norm", LayerNorm.of(config.width));
    }

    public static GPT of(Config config) {
        return new GPT(config);
    }

    public Config config() {
        return config;
    }

    /** As {@link Module#initialize(Device, long)}, in the dtype of the configuration. */
    @Override
    public GPT initialize(Device device, long seed) {
        return initialize(device, seed, config.dtype);
    }

    /**
     * Whether gradients compute the inner values of each block again rather than keep them, for less memory and about a
     * third more time; see {@link Functions#checkpoint}. Not part of what is saved.
     */
    public GPT checkpointBlocks(boolean checkpointed) {
        this.checkpointed = checkpointed;
        return this;
    }

    /**
     * What the model expects after each token.
     *
     * @param tokens {@code (batch, t)}, {@code I32} or {@code I64}, t at most the context
     * @return {@code (batch, t, vocabulary)}, unnormalized
     */
    public Tensor logits(Tensor tokens) {
        long t = length(tokens, config.context);
        Tensor positions = positionEmbedding.weight().tensor().slice(0, 0, t);
        return project(hidden(tokens, positions, null, null));
    }

    /**
     * The mean of {@code -log p(target)} in nats, a scalar.
     *
     * @param tokens {@code (batch, t)}
     * @param targets {@code (batch, t)}, the token that follows each
     */
    public Tensor loss(Tensor tokens, Tensor targets) {
        return logits(tokens).crossEntropy(targets);
    }

    /**
     * Logits {@code (batch, vocabulary)} after the last of some tokens {@code (batch, t)} that follow those in the
     * caches.
     *
     * @param caches one for each layer
     * @param position how many tokens came before, an {@code I64} scalar
     */
    Tensor continueFrom(List<KeyValueCache> caches, Tensor tokens, Tensor position) {
        long t = length(tokens, config.context);
        Tensor positions = positionEmbedding.forward(tokens.device().arange(DType.I64, t).add(position));
        Tensor last = hidden(tokens, positions, caches, position).slice(1, t - 1, t);
        return project(last).squeeze(1);
    }

    private Tensor hidden(Tensor tokens, Tensor positions, List<KeyValueCache> caches, Tensor position) {
        Tensor x = dropout.forward(tokenEmbedding.forward(tokens).add(positions));
        for (int i = 0; i < blocks.size(); i++) {
            Block block = blocks.get(i);
            KeyValueCache cache = caches == null ? null : caches.get(i);
            Step.Function1 forward = y -> block.forward(y, cache, position);
            boolean again = cache == null && Step.observe(() -> checkpointed);
            x = (again ? Functions.checkpoint(forward) : forward).apply(x);
        }
        return norm.forward(x);
    }

    private Tensor project(Tensor hidden) {
        return hidden.matmul(tokenEmbedding.weight().tensor().transpose());
    }

    private static long length(Tensor tokens, long context) {
        if (tokens.shape().rank() != 2) {
            throw new IllegalArgumentException("GPT: tokens must be (batch, t) but are " + tokens.shape());
        }
        long t = tokens.shape().extent(1);
        if (t < 1 || t > context) {
            throw new IllegalArgumentException(
                "GPT: a sequence must have 1 to " + context + " tokens, the context, but has " + t);
        }
        return t;
    }

    /**
     * Takes the weights of a GPT-2 under the names they have in its published files; its linear weights are (in, out).
     *
     * @param weights the tensor of a name such as {@code "h.0.attn.c_attn.weight"}, on this model's device, or null
     * @throws IllegalArgumentException if one is missing or has another shape
     */
    public void loadGpt2(Function<String, Tensor> weights) {
        namedParameters().forEach((name, variable) -> {
            Tensor weight = weights.apply(gpt2Name(name));
            if (weight == null) {
                throw new IllegalArgumentException("GPT: there is no '" + gpt2Name(name) + "' for '" + name + "'");
            }
            Tensor oriented = isTransposedInGpt2(name) && weight.shape().rank() == 2 ? weight.transpose() : weight;
            requireShape(name, variable.shape(), oriented.shape());
            variable.assign(oriented.to(variable.dtype()));
        });
    }

    /** The weights under the names and in the layout of GPT-2's published files. */
    public Map<String, Tensor> toGpt2() {
        Map<String, Tensor> weights = new LinkedHashMap<>();
        for (Map.Entry<String, Variable> entry : namedParameters().entrySet()) {
            Tensor weight = entry.getValue().tensor();
            weights.put(gpt2Name(entry.getKey()), isTransposedInGpt2(entry.getKey()) ? weight.transpose() : weight);
        }
        return weights;
    }

    private static void requireShape(String name, Shape expected, Shape actual) {
        if (!expected.equals(actual)) {
            throw new IllegalArgumentException(
                "GPT: parameter '" + name + "' is " + expected + " but '" + gpt2Name(name) + "' holds " + actual);
        }
    }

    /** The name in GPT-2's published files of a parameter of this class. */
    static String gpt2Name(String name) {
        return name.replace("tokenEmbedding", "wte").replace("positionEmbedding", "wpe").replace("blocks.", "h.")
            .replace(".norm1.", ".ln_1.").replace(".norm2.", ".ln_2.").replace(".attention.qkv.", ".attn.c_attn.")
            .replace(".attention.output.", ".attn.c_proj.").replace(".mlp.expand.", ".mlp.c_fc.")
            .replace(".mlp.contract.", ".mlp.c_proj.").replaceFirst("^norm\\.", "ln_f.");
    }

    private static boolean isTransposedInGpt2(String name) {
        return name.matches("blocks\\.\\d+\\.(attention|mlp)\\.\\w+\\.weight");
    }

    @Override
    public String toString() {
        return "GPT(layers=" + config.layers + ", heads=" + config.heads + ", width=" + config.width + ", context="
            + config.context + ", vocabulary=" + config.vocabulary + ")";
    }
}
