package org.adjoint.bench.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.adjoint.Device;
import org.adjoint.model.Decoder;
import org.adjoint.model.Sampler;

/** A training from its first or next step to its last, with all it tells and leaves behind. */
final class TrainingRun {
    /** The held-out text is judged, and the run saved, so many times. */
    private static final int JUDGED = 20;
    /** Of the held-out text, so many windows are judged on the way, and all at the end. */
    private static final int JUDGED_WINDOWS = 64;
    private static final long LONGEST_WITHOUT_SAVE_NANOS = 60_000_000_000L;
    private static final int SAMPLE_LENGTH = 400;
    private static final double SAMPLE_TEMPERATURE = 0.8;
    /** How slowly the estimate of a step's time follows. */
    private static final double INERTIA = 0.9;

    private final RunFolder folder;
    private final Settings settings;
    private final Corpus corpus;
    private final PrintWriter out;
    private final PrintWriter err;
    private final boolean interactive;
    private final BooleanSupplier stop;

    private long started;
    private double secondsBefore;
    private double validationLoss = Double.NaN;
    private double stepSeconds;
    private double trainingSeconds;
    private long savedAt;

    TrainingRun(RunFolder folder, Settings settings, Corpus corpus, PrintWriter out, PrintWriter err,
            boolean interactive, BooleanSupplier stop) {
        this.folder = folder;
        this.settings = settings;
        this.corpus = corpus;
        this.out = out;
        this.err = err;
        this.interactive = interactive;
        this.stop = stop;
    }

    /**
     * Trains.
     *
     * @param results receives what there is to report
     * @return whether all steps were done; not so if it was asked to stop
     * @throws IllegalStateException if the loss is no number
     */
    boolean execute(Device device, boolean resumed, Map<String, Object> results) throws IOException {
        started = System.nanoTime();
        Entropies entropies = Entropies.of(corpus.training(), corpus.validation());
        try (Training training = new Training(device, settings, corpus)) {
            if (resumed) {
                training.restore(folder.checkpoint());
                if (training.done() >= settings.steps()) {
                    throw new IllegalStateException("the run in '" + folder.path() + "' has done its "
                            + settings.steps() + " steps: give more --steps to go on");
                }
            }
            describe(device, training, entropies);
            settings.write(folder.configuration());
            boolean completed;
            try (Metrics metrics = resumed
                    ? Metrics.resume(folder.metrics(), training.done()) : Metrics.create(folder.metrics())) {
                secondsBefore = metrics.rows().isEmpty() ? 0 : metrics.rows().getLast().seconds();
                long before = training.done();
                double lastLoss = train(training, metrics);
                completed = training.done() == settings.steps();
                if (!completed) {
                    training.save(folder.checkpoint());
                    err.printf(Locale.ROOT,
                            "interrupted and saved after step %,d of %,d; to go on: adjoint train --resume %s%n",
                            training.done(), settings.steps(), folder.path());
                    err.flush();
                }
                if (!metrics.rows().isEmpty()) {
                    Charts.loss(folder.lossChart(), metrics.rows(), entropies);
                }
                double tokensPerSecond = (training.done() - before) * settings.tokensPerStep() / trainingSeconds;
                report(training, entropies, lastLoss, tokensPerSecond, results);
            }
            results.put("device", device.name());
            results.put("completed", completed);
            if (completed) {
                results.put("sample", sample(training));
                out.println("more of it: adjoint sample --checkpoint " + folder.path() + " --prompt TEXT");
            }
            return completed;
        }
    }

    private void describe(Device device, Training training, Entropies entropies) {
        out.println("device   " + device);
        out.printf(Locale.ROOT, "model    %d layers, %d heads, width %d, context %d: %,d parameters of %s%n",
                settings.layers(), settings.heads(), settings.width(), settings.context(),
                training.model().parameterCount(), settings.dtype().text());
        out.printf(Locale.ROOT, "text     %s: %,d bytes to train on, %,d held back%n", settings.data(),
                corpus.training().length, corpus.validation().length);
        out.printf(Locale.ROOT, "to beat  %.4f nats, the entropy of a byte; %.4f, given the byte before it%n",
                entropies.single(), entropies.pair());
        out.printf(Locale.ROOT, "run      %s, steps %,d to %,d of %,d bytes%n", folder.path(), training.done() + 1,
                settings.steps(), settings.tokensPerStep());
        out.flush();
    }

    /** Returns the loss of the last step. */
    private double train(Training training, Metrics metrics) throws IOException {
        long judgeEvery = Math.max(1, settings.steps() / JUDGED);
        long before = training.done();
        double loss = Double.NaN;
        savedAt = System.nanoTime();
        try (ProgressLine progress = new ProgressLine(err, interactive, training.done(), settings.steps())) {
            while (training.done() < settings.steps() && !stop.getAsBoolean()) {
                double rate = training.nextRate();
                long start = System.nanoTime();
                loss = training.advance();
                double seconds = (System.nanoTime() - start) / 1e9;
                trainingSeconds += seconds;
                // The first step includes planning: it tells nothing of what later ones take.
                stepSeconds = training.done() - before <= 2 ? seconds
                        : INERTIA * stepSeconds + (1 - INERTIA) * seconds;
                if (!Double.isFinite(loss)) {
                    throw new IllegalStateException("the loss became " + loss + " at step " + training.done()
                            + ": the training diverged; start again with a smaller --lr than "
                            + settings.learningRate());
                }
                boolean last = training.done() == settings.steps();
                boolean judged = last || training.done() % judgeEvery == 0;
                if (judged) {
                    validationLoss = training.validationLoss(last ? Integer.MAX_VALUE : JUDGED_WINDOWS);
                }
                metrics.add(new Metrics.Row(training.done(), rate, loss, judged ? validationLoss : Double.NaN,
                        settings.tokensPerStep() / seconds, secondsBefore + elapsed()));
                if (judged || System.nanoTime() - savedAt > LONGEST_WITHOUT_SAVE_NANOS) {
                    training.save(folder.checkpoint());
                    savedAt = System.nanoTime();
                }
                progress.update(training.done(), loss, validationLoss, settings.tokensPerStep() / stepSeconds,
                        (settings.steps() - training.done()) * stepSeconds);
            }
        }
        return loss;
    }

    private double elapsed() {
        return (System.nanoTime() - started) / 1e9;
    }

    private void report(Training training, Entropies entropies, double lastLoss, double tokensPerSecond,
            Map<String, Object> results) {
        out.println();
        out.println("validation loss          " + (Double.isNaN(validationLoss) ? "not measured yet"
                : String.format(Locale.ROOT, "%.4f nats per byte", validationLoss)));
        out.printf(Locale.ROOT, "entropy of a byte        %.4f%n", entropies.single());
        out.printf(Locale.ROOT, "  given the one before   %.4f%n", entropies.pair());
        out.printf(Locale.ROOT, "%,d steps in %s, %,.0f tokens per second%n", training.done(),
                ProgressLine.duration(secondsBefore + elapsed()), tokensPerSecond);
        out.printf("run folder %s: checkpoint.safetensors, metrics.csv, loss.png, config.json%n", folder.path());
        out.flush();
        results.put("validationLoss", validationLoss);
        results.put("byteEntropy", entropies.single());
        results.put("bytePairEntropy", entropies.pair());
        results.put("tokensPerSecond", tokensPerSecond);
        results.put("seconds", secondsBefore + elapsed());
        results.put("steps", training.done());
        results.put("trainingLoss", lastLoss);
        results.put("parameters", training.model().parameterCount());
        results.put("trainingBytes", corpus.training().length);
        results.put("validationBytes", corpus.validation().length);
        results.put("run", folder.path().toString());
        results.put("dtype", settings.dtype().text());
    }

    /** Prints text of the model's own, as it comes. */
    private String sample(Training training) {
        StringBuilder text = new StringBuilder();
        TextStream stream = new TextStream(piece -> {
            text.append(piece);
            out.print(piece);
            out.flush();
        });
        out.println();
        out.printf(Locale.ROOT, "%d bytes by the model, at temperature %s:%n", SAMPLE_LENGTH, SAMPLE_TEMPERATURE);
        training.model().eval();
        try (Decoder decoder = Decoder.of(training.model())) {
            Sampler sampler = Sampler.of(settings.seed()).temperature(SAMPLE_TEMPERATURE);
            decoder.generate(new int[] {'\n'}, SAMPLE_LENGTH, sampler, token -> {
                stream.write(token);
                return true;
            });
        }
        stream.end();
        out.println();
        out.println();
        return text.toString();
    }
}
