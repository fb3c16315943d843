// Fills in the sample form with pdf-lib: SOURCE TARGET.
import fs from "node:fs";
import { PDFDocument } from "pdf-lib";

const [source, target] = process.argv.slice(2);
const pdf = await PDFDocument.load(fs.readFileSync(source));
const form = pdf.getForm();
form.getTextField("place").setText("Vienna");
form.getCheckBox("agreed").check();
form.getDropdown("colour").select("green");
form.getRadioGroup("delivery").select("courier");
fs.writeFileSync(target, await pdf.save({ useObjectStreams: false }));
