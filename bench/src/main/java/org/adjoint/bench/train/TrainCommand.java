package org.adjoint.bench.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import org.adjoint.Device;
import org.adjoint.bench.AtomicFile;
import org.adjoint.bench.DeviceOption;
import org.adjoint.bench.JsonOption;
import org.adjoint.bench.Nearest;
import org.adjoint.bench.Terminal;
import org.adjoint.graph.DType;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code adjoint train}: a GPT on text; its subcommands train smaller things. */
@Command(
        name = "train",
        description = {
            "Trains a GPT on the bytes of a text, by default the sources and documents of this repository, and leaves "
                + "a run folder with the checkpoint, the losses, their plot and the configuration.",
            "Ctrl-C saves and ends; --resume goes on, to the same bits as if nothing had happened."
        },
        mixinStandardHelpOptions = true,
        sortOptions = false,
        subcommands = {PolynomialCommand.class, XorCommand.class},
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint train",
            "  adjoint train --data book.txt --layers 6 --steps 5000 --out runs/book",
            "  adjoint train --resume runs/book --steps 8000",
            "  adjoint train polynomial",
            "  adjoint train xor"
        })
public final class TrainCommand implements Callable<Integer> {
    private static final long STEPS = 1_500;
    public static final int LAYERS = 4;
    public static final int HEADS = 4;
    public static final int WIDTH = 128;
    public static final int CONTEXT = 128;
    public static final int BATCH = 8;
    private static final double LEARNING_RATE = 3e-3;
    private static final long SEED = 0;
    private static final int MOST = 1 << 20;

    @Spec
    private CommandSpec spec;

    @Option(names = "--data", paramLabel = "PATH",
            description = "A file, or a folder of text files (the repository that adjoint belongs to).")
    private Path data;

    @Option(names = "--steps", paramLabel = "N", description = "Steps in all (" + STEPS + ").")
    private Long steps;

    @Option(names = "--layers", paramLabel = "N",
            description = "Blocks of attention and feed-forward network (" + LAYERS + ").")
    private Integer layers;

    @Option(names = "--heads", paramLabel = "N", description = "Heads of attention in a layer (" + HEADS + ").")
    private Integer heads;

    @Option(names = "--width", paramLabel = "N", description = "Numbers that stand for a byte, a multiple of --heads ("
            + WIDTH + ").")
    private Integer width;

    @Option(names = "--context", paramLabel = "N",
            description = "Bytes that the model can look back on (" + CONTEXT + ").")
    private Integer context;

    @Option(names = "--batch", paramLabel = "N", description = "Windows of text in a step (" + BATCH + ").")
    private Integer batch;

    @Option(names = "--lr", paramLabel = "X",
            description = "Highest learning rate: reached after a warm-up, falling along a cosine to a tenth ("
                    + LEARNING_RATE + ").")
    private Double learningRate;

    @Option(names = "--seed", paramLabel = "N", description = "Chooses weights and batches (" + SEED + ").")
    private Long seed;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "Of the parameters: f32, f64, bf16 or f16 (f32).")
    private String dtype;

    @Option(names = "--out", paramLabel = "DIR", description = "The run folder (runs/<date-time>).")
    private Path out;

    @Option(names = "--resume", paramLabel = "DIR",
            description = "Goes on with the run in this folder, with its configuration; --steps may be raised.")
    private Path resume;

    @Mixin
    private DeviceOption deviceOption;

    @Mixin
    private JsonOption json;

    /** A person's or a test's wish to stop, asked after each step; Ctrl-C counts in any case. */
    private final BooleanSupplier stopRequest;

    /** Made by picocli. */
    public TrainCommand() {
        this(() -> false);
    }

    TrainCommand(BooleanSupplier stopRequest) {
        this.stopRequest = stopRequest;
    }

    /** A run that is ready to start or to go on. */
    private record Prepared(RunFolder folder, Settings settings, Corpus corpus) {}

    @Override
    public Integer call() throws IOException {
        checkOptions();
        json.requireWritable();
        Prepared prepared = resume == null ? fresh() : continued();
        PrintWriter printer = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        try (Interruption interruption = new Interruption(); Device device = deviceOption.open()) {
            TrainingRun run = new TrainingRun(prepared.folder(), prepared.settings(), prepared.corpus(), printer, err,
                    Terminal.showsErrors(), () -> stopRequest.getAsBoolean() || interruption.getAsBoolean());
            Map<String, Object> results = new LinkedHashMap<>();
            boolean completed = run.execute(device, resume != null, results);
            json.write(results);
            printer.flush();
            err.flush();
            return completed ? 0 : 1;
        }
    }

    private void checkOptions() {
        Require require = new Require(spec.commandLine());
        require.inRange("--steps", steps, 1, Long.MAX_VALUE);
        require.inRange("--layers", layers, 1, 1_000);
        require.inRange("--heads", heads, 1, MOST);
        require.inRange("--width", width, 1, MOST);
        require.inRange("--context", context, 1, MOST);
        require.inRange("--batch", batch, 1, MOST);
        if (learningRate != null) {
            require.positive("--lr", learningRate);
        }
        deviceOption.check();
        parsedDType();
        if (resume != null && out != null) {
            throw usage("--out can't be combined with --resume, which goes on in the folder of its run");
        }
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    private DType parsedDType() {
        if (dtype == null) {
            return DType.F32;
        }
        List<String> floating = List.of(DType.values()).stream().filter(DType::isFloating).map(DType::text).toList();
        if (floating.stream().noneMatch(dtype::equalsIgnoreCase)) {
            Optional<String> nearest = Nearest.of(dtype, floating);
            throw usage("unknown --dtype '" + dtype + "', " + nearest.map(it -> "did you mean '" + it + "'?")
                    .orElse("one of " + String.join(", ", floating)));
        }
        return DType.parse(dtype);
    }

    private Prepared fresh() throws IOException {
        int chosenWidth = Objects.requireNonNullElse(width, WIDTH);
        int chosenHeads = Objects.requireNonNullElse(heads, HEADS);
        if (chosenWidth % chosenHeads != 0) {
            throw usage("--width " + chosenWidth + " does not divide into " + chosenHeads
                    + " heads: choose a multiple of --heads");
        }
        Path source = data == null ? ownRepository() : data;
        int chosenContext = Objects.requireNonNullElse(context, CONTEXT);
        Corpus corpus = Corpus.read(source, chosenContext);
        Settings settings = new Settings(corpus.source(), corpus.hash(),
                Objects.requireNonNullElse(steps, STEPS), Objects.requireNonNullElse(layers, LAYERS), chosenHeads,
                chosenWidth, chosenContext, Objects.requireNonNullElse(batch, BATCH),
                Objects.requireNonNullElse(learningRate, LEARNING_RATE), Objects.requireNonNullElse(seed, SEED),
                parsedDType());
        return new Prepared(RunFolder.create(out, ""), settings, corpus);
    }

    /** The launcher tells where it lies. */
    private Path ownRepository() {
        String home = System.getProperty("adjoint.home");
        if (home == null) {
            throw usage("--data is missing: without the launcher there is no repository to train on");
        }
        return Path.of(home);
    }

    private Prepared continued() throws IOException {
        RunFolder folder = RunFolder.existing(resume);
        AtomicFile.requireWritableFolder(folder.path());
        Settings saved = Settings.read(folder.configuration());
        requireSame("--layers", layers, saved.layers());
        requireSame("--heads", heads, saved.heads());
        requireSame("--width", width, saved.width());
        requireSame("--context", context, saved.context());
        requireSame("--batch", batch, saved.batch());
        requireSame("--lr", learningRate, saved.learningRate());
        requireSame("--seed", seed, saved.seed());
        requireSame("--dtype", dtype == null ? null : parsedDType().text(), saved.dtype().text());
        Path source = data == null ? Path.of(saved.data()) : data;
        Corpus corpus = Corpus.read(source, saved.context());
        if (!corpus.hash().equals(saved.textHash())) {
            throw new IOException("the text of '" + source + "' is not what this run was started with: it would go on "
                    + "with other data, and hold back text that it has trained on. Restore the text, or start a new "
                    + "run");
        }
        return new Prepared(folder, saved.withSteps(Objects.requireNonNullElse(steps, saved.steps())), corpus);
    }

    private void requireSame(String option, Object wanted, Object saved) {
        if (wanted != null && !wanted.equals(saved)) {
            throw usage(option + " " + wanted + ": the run in '" + resume + "' has " + saved
                    + "; leave the option out, or start a new run");
        }
    }
}
