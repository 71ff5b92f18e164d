package org.adjoint.bench.suite;

import java.util.Arrays;
import java.util.Random;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;

/** A training step of a GPT: forward pass, backward pass and AdamW's update as one compiled step; its loss is read. */
final class AdjointStep implements Contender {
    private final Device device;
    private final Step step;
    private final Tensor tokens;
    private final Tensor targets;

    AdjointStep(GptShape shape, Device device) {
        this.device = device;
        GPT model = GPT.of(new GPT.Config(shape.vocabulary(), shape.context(), shape.layers(), shape.heads(),
            shape.width())).initialize(device, 1);
        AdamW optimizer = AdamW.of(model.parameters()).learningRate(1e-4).weightDecay(0.1);
        Random random = new Random(1);
        int[] text = random.ints(2L * shape.tokens(), 0, shape.vocabulary()).toArray();
        tokens = device.tensor(Arrays.copyOf(text, shape.tokens()), shape.batch(), shape.context());
        targets = device.tensor(Arrays.copyOfRange(text, shape.tokens(), text.length), shape.batch(),
            shape.context());
        step = Step.compile(device, (input, target) -> {
            Tensor loss = model.loss(input, target);
            optimizer.minimize(loss);
            return loss;
        });
    }

    @Override
    public void run() {
        try (Scope scope = device.scope()) {
            double loss = step.run(tokens, targets).item();
            if (!Double.isFinite(loss)) {
                throw new IllegalStateException("the loss is " + loss);
            }
        }
    }

    /** Binding, dispatch and bookkeeping of one step, with empty kernels, in nanoseconds. */
    long dryRunNanos() {
        return step.dryRunNanos(tokens, targets);
    }

    Step.Memory memory() {
        return step.prepare(tokens, targets).memory();
    }

    @Override
    public void close() {
        step.close();
        device.close();
    }
}
