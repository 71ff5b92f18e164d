package org.adjoint.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.Variable;
import org.adjoint.graph.DType;
import org.adjoint.nn.KeyValueCache;

/**
 * Runs a GPT token by token, keeping keys and values of earlier tokens in caches as long as the model's context. The
 * position is a variable, so one plan serves all tokens and a second one the pieces that prompts are read in. Works on
 * one sequence.
 */
public final class Decoder implements AutoCloseable {
    /** Prompts are read in pieces of this many tokens, the rest one by one. */
    private static final int PIECE = 32;

    private final GPT model;
    private final Device device;
    private final List<KeyValueCache> caches = new ArrayList<>();
    private final Variable position;
    private final Step step;
    /** The tokens in the caches. */
    private final int[] seen;
    private int count;

    private Decoder(GPT model, Device device) {
        GPT.Config config = model.config();
        this.model = model;
        this.device = device;
        this.seen = new int[config.context()];
        for (int layer = 0; layer < config.layers(); layer++) {
            caches.add(KeyValueCache.of(device, "cache." + layer, config.dtype(), 1, config.heads(), config.context(),
                config.width() / config.heads()));
        }
        this.position = device.variable("position", device.zeros(DType.I64));
        this.step = Step.compile(device, this::traced);
    }

    /** For an initialized model; the caches belong to the scope that is innermost now. */
    public static Decoder of(GPT model) {
        return new Decoder(model, model.parameters().getFirst().device());
    }

    private Tensor traced(Tensor tokens) {
        Tensor before = position.tensor();
        Tensor logits = model.continueFrom(caches, tokens, before);
        position.assign(before.add(tokens.shape().extent(1)));
        return logits;
    }

    /** How many tokens the caches can hold: the model's context. */
    public int capacity() {
        return seen.length;
    }

    /** How many tokens the caches hold. */
    public int position() {
        return count;
    }

    /** How many plans were made: constant once a piece of a prompt and a single token were read. */
    public long traces() {
        return step.traces();
    }

    /** Forgets all tokens. */
    public void reset() {
        count = 0;
        position.assign(device.zeros(DType.I64));
    }

    /**
     * Reads tokens.
     *
     * @return logits of what follows the last one, as many as the vocabulary
     * @throws IllegalStateException if they do not fit in what is left of the capacity, or the model drops out
     */
    public float[] feed(int... tokens) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("decoder: there are no tokens to read");
        }
        if (model.config().dropout() > 0 && model.isTraining()) {
            throw new IllegalStateException("decoder: the model is in training mode and drops out: call eval() first");
        }
        if (tokens.length > capacity() - count) {
            throw new IllegalStateException("decoder: " + tokens.length + " tokens after " + count
                + " exceed the context of " + capacity() + ": reset, or feed fewer");
        }
        float[] logits = null;
        for (int start = 0; start < tokens.length; ) {
            int length = tokens.length - start >= PIECE ? PIECE : 1;
            int[] piece = Arrays.copyOfRange(tokens, start, start + length);
            start += length;
            logits = run(piece, start == tokens.length);
        }
        return logits;
    }

    private float[] run(int[] tokens, boolean read) {
        try (Scope scope = device.scope()) {
            Tensor logits = step.run(device.tensor(tokens, 1, tokens.length));
            System.arraycopy(tokens, 0, seen, count, tokens.length);
            count += tokens.length;
            return read ? logits.toFloatArray() : null;
        }
    }

    /**
     * Reads a prompt and writes what follows. Where the context is full, the later half of it is read again from its
     * start, and generation goes on.
     *
     * @param prompt at least one token; of a prompt longer than the context, the end is read
     * @param length the most tokens to write
     * @param listener is told each new token at once, and answers whether to go on
     */
    public void generate(int[] prompt, int length, Sampler sampler, IntPredicate listener) {
        reset();
        float[] logits = feed(Arrays.copyOfRange(prompt, Math.max(0, prompt.length - capacity()), prompt.length));
        for (int i = 0; i < length; i++) {
            int token = sampler.sample(logits);
            if (!listener.test(token) || i == length - 1) {
                return;
            }
            if (count == capacity()) {
                int[] recent = Arrays.copyOfRange(seen, (count + 1) / 2, count);
                reset();
                if (recent.length > 0) {
                    feed(recent);
                }
            }
            logits = feed(token);
        }
    }

    /** Frees the caches and the plans. */
    @Override
    public void close() {
        step.close();
        position.close();
        caches.forEach(KeyValueCache::close);
    }
}
