package org.adjoint.bench.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.stream.ImageOutputStream;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.adjoint.bench.AtomicFile;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Plots as PNG files. */
final class Charts {
    private static final int WIDTH = 1000;
    private static final int HEIGHT = 600;
    private static final Color BLUE = new Color(0x1f77b4);
    private static final Color PALE_BLUE = new Color(0xbfd7ea);
    private static final Color ORANGE = new Color(0xd95f02);
    private static final Color GRAY = new Color(0x777777);
    private static final Color GREEN = new Color(0x2ca02c);
    private static final BasicStroke DASHED =
            new BasicStroke(2, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 10, new float[] {8, 6}, 0);

    private Charts() {}

    /**
     * For at least one row: the loss on the training text, step by step and smoothed, on the held-out text, and what
     * counting reaches.
     */
    static void loss(Path file, List<Metrics.Row> rows, Entropies entropies) throws IOException {
        XYChart chart = chart("Loss of a byte", "step", "nats per byte");
        chart.getStyler().setYAxisMin(0.0).setXAxisMin(0.0).setXAxisMax((double) rows.getLast().step())
                .setXAxisTickMarkSpacingHint(110);
        List<Metrics.Row> judged = rows.stream().filter(row -> !Double.isNaN(row.validationLoss())).toList();
        double[] steps = rows.stream().mapToDouble(Metrics.Row::step).toArray();
        double[] losses = rows.stream().mapToDouble(Metrics.Row::loss).toArray();
        line(chart, "training, each step", steps, losses, PALE_BLUE, 1);
        line(chart, "training, smoothed", steps, smoothed(losses), BLUE, 2);
        if (!judged.isEmpty()) {
            line(chart, "validation", judged.stream().mapToDouble(Metrics.Row::step).toArray(),
                    judged.stream().mapToDouble(Metrics.Row::validationLoss).toArray(), ORANGE, 2)
                    .setMarker(SeriesMarkers.CIRCLE).setMarkerColor(ORANGE);
        }
        double end = steps[steps.length - 1];
        level(chart, "entropy of a byte", entropies.single(), end, GRAY);
        level(chart, "entropy of a byte given the one before", entropies.pair(), end, GREEN);
        save(chart, file);
    }

    private static void level(XYChart chart, String name, double height, double end, Color color) {
        // Between values that are equally spaced the chart would place its labels at odd steps.
        double[] x = {0, 0.5, end};
        double[] y = {height, height, height};
        line(chart, String.format(Locale.ROOT, "%s, %.3f", name, height), x, y, color, 1.5f).setLineStyle(DASHED);
    }

    /** Points, the curve fitted to them, and the one they were made from. */
    static void fit(Path file, double[] x, double[] y, double[] curveX, double[] fitted, double[] truth)
            throws IOException {
        XYChart chart = chart("A polynomial of the fifth degree through noisy points", "x", "y");
        chart.addSeries("points", x, y).setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter)
                .setMarker(SeriesMarkers.CIRCLE).setMarkerColor(PALE_BLUE);
        line(chart, "fitted", curveX, fitted, BLUE, 5);
        line(chart, "true", curveX, truth, ORANGE, 2).setLineStyle(DASHED);
        save(chart, file);
    }

    private static XYChart chart(String title, String x, String y) {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH).height(HEIGHT).title(title).xAxisTitle(x).yAxisTitle(y).build();
        chart.getStyler()
                .setBaseFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13))
                .setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 16))
                .setChartTitleBoxVisible(false)
                .setChartBackgroundColor(Color.WHITE)
                .setPlotBorderVisible(false)
                .setLegendPosition(Styler.LegendPosition.InsideNE)
                .setLegendBorderColor(new Color(0xdddddd))
                .setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13))
                .setMarkerSize(6)
                .setChartPadding(14)
                .setLocale(Locale.ROOT);
        chart.getStyler()
                .setAxisTitleFont(new Font(Font.SANS_SERIF, Font.PLAIN, 13))
                .setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 12))
                .setPlotGridLinesColor(new Color(0xe5e5e5))
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setPlotGridVerticalLinesVisible(false)
                .setPlotMargin(0);
        return chart;
    }

    private static XYSeries line(XYChart chart, String name, double[] x, double[] y, Color color, float width) {
        XYSeries series = chart.addSeries(name, x, y);
        series.setLineColor(color).setLineWidth(width);
        series.setMarker(SeriesMarkers.NONE);
        return series;
    }

    /** Exponentially, over about a sixtieth of the curve; what lies before its start does not count. */
    private static double[] smoothed(double[] values) {
        double keep = Math.clamp(1 - 60.0 / values.length, 0.5, 0.99);
        double[] result = new double[values.length];
        double sum = 0;
        double weight = 0;
        for (int i = 0; i < values.length; i++) {
            sum = keep * sum + values[i];
            weight = keep * weight + 1;
            result[i] = sum / weight;
        }
        return result;
    }

    private static void save(XYChart chart, Path file) throws IOException {
        BufferedImage image = new BufferedImage(2 * WIDTH, 2 * HEIGHT, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.scale(2, 2);
        chart.paint(graphics, WIDTH, HEIGHT);
        graphics.dispose();
        writePng(file, image);
    }

    /** Replaces a file by an image. */
    static void writePng(Path file, BufferedImage image) throws IOException {
        ByteArrayOutputStream png = new ByteArrayOutputStream();
        // A cache in a file, the default, could not be set up any more while the JVM is ending.
        try (ImageOutputStream stream = new MemoryCacheImageOutputStream(png)) {
            ImageIO.write(image, "png", stream);
        }
        AtomicFile.write(file, png.toByteArray());
    }
}
