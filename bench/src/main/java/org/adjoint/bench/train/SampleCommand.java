package org.adjoint.bench.train;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.adjoint.Device;
import org.adjoint.bench.DeviceOption;
import org.adjoint.bench.JsonOption;
import org.adjoint.io.Checkpoint;
import org.adjoint.io.InvalidFileException;
import org.adjoint.model.Decoder;
import org.adjoint.model.GPT;
import org.adjoint.model.Sampler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code adjoint sample}: text by a trained GPT. */
@Command(
        name = "sample",
        description = "Lets a GPT that adjoint train made continue a text.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        footerHeading = "%nExamples:%n",
        footer = {
            "  adjoint sample --checkpoint runs/book --prompt 'It was a dark'",
            "  adjoint sample --checkpoint runs/book --prompt 'It was' --top-k 40 --seed 7"
        })
public final class SampleCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--checkpoint", paramLabel = "DIR", required = true, description = "The folder of a training run.")
    private Path checkpoint;

    @Option(names = "--prompt", paramLabel = "TEXT", required = true, description = "The text to continue.")
    private String prompt;

    @Option(names = "--length", paramLabel = "N", defaultValue = "400",
            description = "Bytes to write (${DEFAULT-VALUE}).")
    private int length;

    @Option(names = "--temperature", paramLabel = "X", defaultValue = "0.8",
            description = "Below 1 the likely becomes likelier, 0 always takes the likeliest (${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "N", description = "Chooses among the N likeliest bytes (all).")
    private Integer topK;

    @Option(names = "--top-p", paramLabel = "X",
            description = "Chooses among the likeliest bytes that together have this probability (1).")
    private Double topP;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "0",
            description = "The same seed gives the same text (${DEFAULT-VALUE}).")
    private long seed;

    @Mixin
    private DeviceOption deviceOption;

    @Mixin
    private JsonOption json;

    @Override
    public Integer call() throws IOException {
        Sampler sampler = sampler();
        deviceOption.check();
        json.requireWritable();
        RunFolder folder = RunFolder.existing(checkpoint);
        GPT.Config config = configuration(folder.checkpoint());
        PrintWriter out = spec.commandLine().getOut();
        Map<String, Object> results = new LinkedHashMap<>();
        try (Device device = deviceOption.open()) {
            GPT model = GPT.of(config).initialize(device, 0).eval();
            Checkpoint.of(model.namedParameters()).load(folder.checkpoint());
            try (Decoder decoder = Decoder.of(model)) {
                generate(device, decoder, sampler, out, results);
            }
            results.put("device", device.name());
        }
        json.write(results);
        return 0;
    }

    private Sampler sampler() {
        Require require = new Require(spec.commandLine());
        require.atLeast("--length", length, 1);
        require.notNegative("--temperature", temperature);
        require.inRange("--top-k", topK, 1, Integer.MAX_VALUE);
        if (topP != null && !(topP > 0 && topP <= 1)) {
            throw new ParameterException(spec.commandLine(), "--top-p must be above 0 and at most 1 but is " + topP);
        }
        if (prompt.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "--prompt is empty: the model needs a byte to start from");
        }
        Sampler sampler = Sampler.of(seed).temperature(temperature);
        if (topK != null) {
            sampler.topK(topK);
        }
        if (topP != null) {
            sampler.topP(topP);
        }
        return sampler;
    }

    /** @throws InvalidFileException if the checkpoint is not of a GPT over bytes */
    private static GPT.Config configuration(Path file) throws IOException {
        GPT.Config config;
        try {
            config = GPT.Config.ofMetadata(Checkpoint.metadata(file));
        } catch (IllegalArgumentException e) {
            throw new InvalidFileException(file, "is a checkpoint of another model: " + e.getMessage(), e);
        }
        if (config.vocabulary() != Settings.VOCABULARY) {
            throw new InvalidFileException(file, "is a checkpoint of another model: its vocabulary is "
                    + config.vocabulary() + " tokens, not the " + Settings.VOCABULARY + " bytes");
        }
        return config;
    }

    private void generate(Device device, Decoder decoder, Sampler sampler, PrintWriter out,
            Map<String, Object> results) {
        warmUp(decoder);
        long traces = decoder.traces();
        long plans = device.plansMade();
        StringBuilder text = new StringBuilder();
        TextStream stream = new TextStream(piece -> {
            text.append(piece);
            out.print(piece);
            out.flush();
        });
        out.print(prompt);
        out.flush();
        byte[] bytes = prompt.getBytes(StandardCharsets.UTF_8);
        int[] tokens = new int[bytes.length];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = bytes[i] & 0xff;
        }
        long start = System.nanoTime();
        decoder.generate(tokens, length, sampler, token -> {
            stream.write(token);
            return true;
        });
        double seconds = (System.nanoTime() - start) / 1e9;
        stream.end();
        out.println();
        out.flush();
        spec.commandLine().getErr().printf(Locale.ROOT, "%,d bytes in %.2f s, %,.0f per second%n", length, seconds,
                length / seconds);
        spec.commandLine().getErr().flush();
        results.put("prompt", prompt);
        results.put("text", text.toString());
        results.put("length", length);
        results.put("seed", seed);
        results.put("seconds", seconds);
        results.put("tokensPerSecond", length / seconds);
        results.put("tracesAfterWarmup", decoder.traces() - traces);
        results.put("plansAfterWarmup", device.plansMade() - plans);
    }

    /** Reads a whole context, then one byte: from here on every plan there is a need for is made. */
    private static void warmUp(Decoder decoder) {
        decoder.feed(new int[decoder.capacity()]);
        decoder.reset();
        decoder.feed(0);
        decoder.reset();
    }
}
