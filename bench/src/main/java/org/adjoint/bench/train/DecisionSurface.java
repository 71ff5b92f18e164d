package org.adjoint.bench.train;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.FontMetrics;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.geom.AffineTransform;
import java.awt.geom.Ellipse2D;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Draws what classifiers of points in the plane answer: a panel each, blue where the answer is 0, orange where it is 1,
 * white with a line where it is undecided, and the points they were trained on.
 */
final class DecisionSurface {
    private static final int PANEL = 400;
    private static final int MARGIN = 70;
    private static final int TOP = 90;
    private static final int BOTTOM = 110;
    /** A surface that nowhere is further from one half has no border worth drawing. */
    private static final double UNDECIDED = 1e-3;
    private static final Color ZERO = new Color(0x2b6cb0);
    private static final Color ONE = new Color(0xd95f02);
    private static final Color INK = new Color(0x333333);
    private static final Font TITLE = new Font(Font.SANS_SERIF, Font.BOLD, 16);
    private static final Font LABEL = new Font(Font.SANS_SERIF, Font.PLAIN, 13);

    /**
     * @param title above the panel
     * @param verdict below the title
     * @param answers probability of 1 on a square grid, rows from the lowest y to the highest, each from the lowest x
     * @param low least x and y of the grid
     * @param high greatest x and y of the grid
     */
    record Panel(String title, String verdict, double[][] answers, double low, double high) {}

    /** A point that a classifier learned from. */
    record Point(double x, double y, boolean one) {}

    private DecisionSurface() {}

    /** Writes a PNG file. */
    static void write(Path file, List<Panel> panels, List<Point> points) throws IOException {
        int width = MARGIN + panels.size() * (PANEL + MARGIN);
        BufferedImage image = new BufferedImage(width, TOP + PANEL + BOTTOM, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
        graphics.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
        graphics.setColor(Color.WHITE);
        graphics.fillRect(0, 0, image.getWidth(), image.getHeight());
        for (int i = 0; i < panels.size(); i++) {
            int left = MARGIN + i * (PANEL + MARGIN);
            drawSurface(image, panels.get(i), left);
            drawFrame(graphics, panels.get(i), left);
            for (Point point : points) {
                drawPoint(graphics, panels.get(i), point, left);
            }
        }
        drawLegend(graphics, width);
        graphics.dispose();
        Charts.writePng(file, image);
    }

    private static void drawSurface(BufferedImage image, Panel panel, int left) {
        double[][] shown = new double[PANEL + 1][PANEL + 1];
        for (int y = 0; y <= PANEL; y++) {
            for (int x = 0; x <= PANEL; x++) {
                shown[y][x] = interpolated(panel.answers(), (double) x / PANEL, 1 - (double) y / PANEL);
            }
        }
        boolean decided = Arrays.stream(panel.answers()).flatMapToDouble(Arrays::stream)
                .anyMatch(answer -> Math.abs(answer - 0.5) > UNDECIDED);
        for (int y = 0; y < PANEL; y++) {
            for (int x = 0; x < PANEL; x++) {
                boolean side = shown[y][x] >= 0.5;
                boolean border = side != shown[y + 1][x] >= 0.5 || side != shown[y][x + 1] >= 0.5;
                image.setRGB(left + x, TOP + y, decided && border ? INK.getRGB() : shade(shown[y][x]));
            }
        }
    }

    /** Bilinear, for u and v in [0, 1]. */
    private static double interpolated(double[][] grid, double u, double v) {
        double column = u * (grid[0].length - 1);
        double row = v * (grid.length - 1);
        int j = Math.min((int) column, grid[0].length - 2);
        int i = Math.min((int) row, grid.length - 2);
        double a = column - j;
        double b = row - i;
        return (1 - b) * ((1 - a) * grid[i][j] + a * grid[i][j + 1])
                + b * ((1 - a) * grid[i + 1][j] + a * grid[i + 1][j + 1]);
    }

    private static int shade(double answer) {
        Color full = answer < 0.5 ? ZERO : ONE;
        double strength = 0.75 * Math.abs(2 * answer - 1);
        return mixed(full.getRed(), strength) << 16 | mixed(full.getGreen(), strength) << 8
                | mixed(full.getBlue(), strength);
    }

    private static int mixed(int channel, double strength) {
        return (int) Math.round(255 + strength * (channel - 255));
    }

    private static void drawFrame(Graphics2D graphics, Panel panel, int left) {
        graphics.setColor(INK);
        graphics.setStroke(new BasicStroke(1));
        graphics.drawRect(left, TOP, PANEL, PANEL);
        graphics.setFont(TITLE);
        centered(graphics, panel.title(), left + PANEL / 2, TOP - 42);
        graphics.setFont(LABEL);
        centered(graphics, panel.verdict(), left + PANEL / 2, TOP - 18);
        for (double tick = Math.ceil(panel.low() * 2) / 2; tick <= panel.high(); tick += 0.5) {
            int offset = (int) Math.round((tick - panel.low()) / (panel.high() - panel.low()) * PANEL);
            String text = String.format(Locale.ROOT, "%.1f", tick);
            graphics.drawLine(left + offset, TOP + PANEL, left + offset, TOP + PANEL + 5);
            centered(graphics, text, left + offset, TOP + PANEL + 22);
            graphics.drawLine(left - 5, TOP + PANEL - offset, left, TOP + PANEL - offset);
            int width = graphics.getFontMetrics().stringWidth(text);
            graphics.drawString(text, left - 10 - width, TOP + PANEL - offset + 5);
        }
        centered(graphics, "first input", left + PANEL / 2, TOP + PANEL + 46);
        AffineTransform upright = graphics.getTransform();
        graphics.rotate(-Math.PI / 2, left - 48, TOP + PANEL / 2.0);
        centered(graphics, "second input", left - 48, TOP + PANEL / 2);
        graphics.setTransform(upright);
    }

    private static void drawPoint(Graphics2D graphics, Panel panel, Point point, int left) {
        double scale = PANEL / (panel.high() - panel.low());
        dot(graphics, left + (point.x() - panel.low()) * scale, TOP + PANEL - (point.y() - panel.low()) * scale,
                point.one());
    }

    private static void dot(Graphics2D graphics, double x, double y, boolean one) {
        Ellipse2D circle = new Ellipse2D.Double(x - 9, y - 9, 18, 18);
        graphics.setColor(one ? ONE : ZERO);
        graphics.fill(circle);
        graphics.setColor(Color.WHITE);
        graphics.setStroke(new BasicStroke(2.5f));
        graphics.draw(circle);
    }

    private static void drawLegend(Graphics2D graphics, int width) {
        int y = TOP + PANEL + 84;
        String zero = "answer 0";
        String one = "answer 1";
        String undecided = "white: undecided";
        graphics.setFont(LABEL);
        FontMetrics metrics = graphics.getFontMetrics();
        int x = (width - metrics.stringWidth(zero + one + undecided) - 140) / 2;
        dot(graphics, x + 9, y - 5, false);
        graphics.setColor(INK);
        graphics.drawString(zero, x + 26, y);
        x += metrics.stringWidth(zero) + 60;
        dot(graphics, x + 9, y - 5, true);
        graphics.setColor(INK);
        graphics.drawString(one, x + 26, y);
        graphics.drawString(undecided, x + metrics.stringWidth(one) + 62, y);
    }

    private static void centered(Graphics2D graphics, String text, int x, int y) {
        graphics.drawString(text, x - graphics.getFontMetrics().stringWidth(text) / 2, y);
    }
}
