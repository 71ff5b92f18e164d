package org.adjoint.bench.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.adjoint.bench.Json;
import org.adjoint.graph.DType;
import org.adjoint.model.GPT;

/**
 * What a training run depends on, kept in its {@code config.json}.
 *
 * @param data file or folder that the text comes from
 * @param textHash of the text, SHA-256
 * @param steps in all
 * @param batch windows of text in a step
 * @param learningRate the highest, after the warm-up
 */
record Settings(String data, String textHash, long steps, int layers, int heads, int width, int context, int batch,
        double learningRate, long seed, DType dtype) {
    /** Bytes are the tokens. */
    static final int VOCABULARY = 256;

    GPT.Config model() {
        return new GPT.Config(VOCABULARY, context, layers, heads, width).withDType(dtype);
    }

    Settings withSteps(long number) {
        return new Settings(data, textHash, number, layers, heads, width, context, batch, learningRate, seed, dtype);
    }

    /** Bytes that a step learns from. */
    int tokensPerStep() {
        return batch * context;
    }

    void write(Path file) throws IOException {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("data", data);
        fields.put("textSha256", textHash);
        fields.put("steps", steps);
        fields.put("layers", layers);
        fields.put("heads", heads);
        fields.put("width", width);
        fields.put("context", context);
        fields.put("batch", batch);
        fields.put("learningRate", learningRate);
        fields.put("seed", seed);
        fields.put("dtype", dtype.text());
        Json.write(file, fields);
    }

    /** @throws IOException with a message that names the file, if it is no configuration of a run */
    static Settings read(Path file) throws IOException {
        Map<String, Object> fields = Json.readObject(file);
        try {
            return new Settings(field(fields, "data", String.class), field(fields, "textSha256", String.class),
                    field(fields, "steps", Long.class), integer(fields, "layers"), integer(fields, "heads"),
                    integer(fields, "width"), integer(fields, "context"), integer(fields, "batch"),
                    field(fields, "learningRate", Number.class).doubleValue(), field(fields, "seed", Long.class),
                    DType.parse(field(fields, "dtype", String.class)));
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new IOException(file + " is not the configuration of a training run: " + e.getMessage(), e);
        }
    }

    private static int integer(Map<String, Object> fields, String name) {
        return Math.toIntExact(field(fields, name, Long.class));
    }

    private static <T> T field(Map<String, Object> fields, String name, Class<T> type) {
        Object value = fields.get(name);
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("'" + name + "' is " + (value == null ? "missing" : value));
        }
        return type.cast(value);
    }
}
