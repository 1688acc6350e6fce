/** Cloud Control keeps a ClientToken for 36 hours; an hour less, because nobody's clock is perfect. */
export const tokenLifeSeconds = 35 * 3600;

/** How long AWS may deny knowing what it has just made (law F15). */
export const graceSeconds = 120;
