package org.adjoint.bench.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.adjoint.Device;
import org.adjoint.Scope;
import org.adjoint.Step;
import org.adjoint.Tensor;
import org.adjoint.data.Batch;
import org.adjoint.data.TokenBatches;
import org.adjoint.io.Checkpoint;
import org.adjoint.io.InvalidFileException;
import org.adjoint.model.GPT;
import org.adjoint.optim.AdamW;
import org.adjoint.optim.Optimizer;
import org.adjoint.optim.Schedule;

/**
 * A GPT that learns to predict the next byte of a corpus: one compiled step holds forward pass, backward pass, clipping
 * and update. After every step all there is to go on from is in the checkpoint, and the batches depend on seed and step
 * alone, so a resumed run is the same run, bit for bit.
 */
final class Training implements AutoCloseable {
    private static final double LAST_RATE = 0.1;
    private static final double WEIGHT_DECAY = 0.1;
    private static final double LONGEST_GRADIENT = 1;
    private static final int LONGEST_WARMUP = 100;
    /** Held-out windows that are judged at a time. */
    private static final int JUDGED_AT_ONCE = 16;
    private static final String STEP = "training.step";

    private final Device device;
    private final Settings settings;
    private final Corpus corpus;
    private final TokenBatches batches;
    private final Scope scope;
    private final GPT model;
    private final AdamW optimizer;
    private final Schedule schedule;
    private final Checkpoint checkpoint;
    private final Step step;
    private final Step judge;
    private long done;

    Training(Device device, Settings settings, Corpus corpus) {
        this.device = device;
        this.settings = settings;
        this.corpus = corpus;
        this.batches = TokenBatches.of(corpus.training(), settings.batch(), settings.context(), settings.seed());
        this.scope = device.scope();
        device.random().seed(settings.seed());
        this.model = GPT.of(settings.model()).initialize(device, settings.seed());
        this.optimizer = AdamW.of(model.parameters()).betas(0.9, 0.95).weightDecay(WEIGHT_DECAY)
                .decayOnly(Optimizer.MATRICES).clipNorm(LONGEST_GRADIENT);
        long warmup = Math.min(LONGEST_WARMUP, settings.steps() / 10);
        this.schedule = Schedule.cosine(settings.learningRate(), LAST_RATE * settings.learningRate(),
                settings.steps() - warmup).warmup(warmup);
        this.checkpoint = Checkpoint.of(model.namedParameters()).with(optimizer.state()).with(device.random());
        this.step = Step.compile(device, (tokens, targets) -> {
            Tensor loss = model.loss(tokens, targets);
            optimizer.minimize(loss);
            return loss;
        });
        this.judge = Step.compile(device, (tokens, targets) -> model.loss(tokens, targets));
    }

    GPT model() {
        return model;
    }

    /** Steps that are done. */
    long done() {
        return done;
    }

    /** The learning rate of the next step. */
    double nextRate() {
        return schedule.rate(done);
    }

    /**
     * Takes one step.
     *
     * @return the loss of its batch before the update, in nats per byte
     */
    double advance() {
        try (Scope iteration = device.scope()) {
            optimizer.learningRate(nextRate());
            Batch batch = batches.sample(done);
            double loss = step.run(batch.tokens(device), batch.targets(device)).item();
            done++;
            return loss;
        }
    }

    /** The mean loss of about {@code most} windows, evenly spread over the held-out text, in nats per byte. */
    double validationLoss(int most) {
        int windows = Math.clamp((corpus.validation().length - 1) / settings.context(), 1, most);
        int rows = Math.min(windows, JUDGED_AT_ONCE);
        List<Batch> spread = TokenBatches.of(corpus.validation(), rows, settings.context(), settings.seed())
                .spread((windows + rows - 1) / rows);
        double sum = 0;
        model.eval();
        for (Batch batch : spread) {
            try (Scope iteration = device.scope()) {
                sum += judge.run(batch.tokens(device), batch.targets(device)).item();
            }
        }
        model.train();
        return sum / spread.size();
    }

    /** Writes all there is to go on from; a save that is killed leaves the file as it was. */
    void save(Path file) throws IOException {
        Map<String, String> metadata = new LinkedHashMap<>(settings.model().toMetadata());
        metadata.put(STEP, Long.toString(done));
        checkpoint.save(file, metadata);
    }

    /** @throws IOException if the file is damaged, or of another model */
    void restore(Path file) throws IOException {
        String saved = checkpoint.load(file).get(STEP);
        try {
            done = Long.parseLong(saved);
        } catch (NumberFormatException e) {
            throw new InvalidFileException(file, "does not say after which step it was saved", e);
        }
    }

    @Override
    public void close() {
        step.close();
        judge.close();
        scope.close();
    }
}
