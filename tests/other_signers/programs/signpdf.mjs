// Signs with @signpdf: PLACEHOLDER SOURCE TARGET P12 PASSWORD NAME BOX.
import fs from "node:fs";
import signpdf from "@signpdf/signpdf";
import { plainAddPlaceholder } from "@signpdf/placeholder-plain";
import { pdflibAddPlaceholder } from "@signpdf/placeholder-pdf-lib";
import { P12Signer } from "@signpdf/signer-p12";
import { PDFDocument } from "pdf-lib";

const [placeholder, source, target, p12, passphrase, name, box] = process.argv.slice(2);
const data = fs.readFileSync(source);
const wanted = { reason: "agreed", contactInfo: "", name, location: "Sample", widgetRect: box.split(",").map(Number) };
let prepared;
if (placeholder === "plain") {
  prepared = plainAddPlaceholder({ pdfBuffer: data, ...wanted });
} else {
  const pdfDoc = await PDFDocument.load(data);
  pdflibAddPlaceholder({ pdfDoc, ...wanted });
  prepared = Buffer.from(await pdfDoc.save({ useObjectStreams: false }));
}
const signer = new P12Signer(fs.readFileSync(p12), { passphrase });
fs.writeFileSync(target, await signpdf.default.sign(prepared, signer));
