package org.adjoint.bench.suite;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.adjoint.bench.train.TrainCommand;

/** The training step of a GPT; its text is such as {@code gpt 4x128 h4 v256 b8 t128}, layers x width first. */
record GptShape(int layers, int width, int heads, int vocabulary, int batch, int context) {
    private static final Pattern TEXT = Pattern.compile("gpt (\\d+)x(\\d+) h(\\d+) v(\\d+) b(\\d+) t(\\d+)");

    /** The model that {@code adjoint train} trains unless told otherwise. */
    static final GptShape DEFAULT = new GptShape(TrainCommand.LAYERS, TrainCommand.WIDTH, TrainCommand.HEADS, 256,
        TrainCommand.BATCH, TrainCommand.CONTEXT);
    /** A model of bytes whose time goes into matrix products. */
    static final GptShape WIDE = new GptShape(6, 384, 6, 256, 8, 256);
    /** GPT-2 with 124 million parameters, on short texts. */
    static final GptShape GPT2 = new GptShape(12, 768, 12, 50_257, 4, 64);

    static GptShape parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("'" + text + "' is no GPT such as '" + DEFAULT + "'");
        }
        int[] numbers = new int[6];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = Integer.parseInt(matcher.group(i + 1));
        }
        return new GptShape(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5]);
    }

    int tokens() {
        return batch * context;
    }

    /**
     * Additions and multiplications of the matrix products of a training step: six for each weight and token (two
     * forward, four backward), and the products of causal attention.
     */
    double operations() {
        double weights = 12.0 * layers * width * width + (double) vocabulary * width;
        return (6 * weights + 6.0 * layers * width * context) * tokens();
    }

    /** As peers are asked for it. */
    Map<String, String> toMap(int threads) {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("kind", "step");
        map.put("layers", Integer.toString(layers));
        map.put("heads", Integer.toString(heads));
        map.put("width", Integer.toString(width));
        map.put("vocabulary", Integer.toString(vocabulary));
        map.put("context", Integer.toString(context));
        map.put("batch", Integer.toString(batch));
        map.put("threads", Integer.toString(threads));
        return map;
    }

    @Override
    public String toString() {
        return "gpt " + layers + "x" + width + " h" + heads + " v" + vocabulary + " b" + batch + " t" + context;
    }
}
