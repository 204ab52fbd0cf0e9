import colors from "picocolors";

export const greet = (whom) => `Hello, ${colors.bold(whom)}!`;
