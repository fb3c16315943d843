import streamlit as st
st.title('today')
